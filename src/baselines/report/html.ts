// A comparison as a page that stands by itself: tables, pictures, settings; no script, nothing loaded. Computes nothing that it
// shows.

import { type Drawing, openDrawing } from "../../drawing.js";
import type { ClassificationComparison, Comparison, ForecastComparison } from "../compare/types.js";
import { confusion, forecast, lossCurves, rocCurves, rocReference } from "./pictures.js";
import { STYLE, look } from "./theme.js";
import { TESTS, advantage, bestOf, described, duration, figuresOf, probability, summaryOf, written } from "./words.js";

/**
 * A comparison as an HTML page with pictures: loss curves, ROC curves and confusion matrices, or forecasts with their intervals,
 * the table of figures, the tests, the settings. It loads nothing and runs no script, and reads on light and dark screens.
 *
 * @param comparison what `compare` gave, or what is left of it as JSON
 * @returns the page
 * @throws {GatewiseError} `missing_package` without `@observablehq/plot`, and outside browsers without `linkedom`
 *
 * @example
 * ```ts
 * await writeFile("report.html", await toHtml(await compare(options)));
 * ```
 */
export async function toHtml(comparison: Comparison): Promise<string> {
  const drawing = await openDrawing();
  const { title, tests, notes } = comparison;
  const parts = [
    `<h1>${escaped(title)}</h1>`,
    `<p>${escaped(described(comparison))}</p>`,
    section("Figures", figureTable(comparison)),
    section("Tests", [tests.length > 0 ? testTable(comparison) : "", ...notes.map((note) => `<p class="quiet">${escaped(note)}</p>`)].join("\n")),
    comparison.task === "classification" ? classificationPictures(drawing, comparison) : forecastPictures(drawing, comparison),
    section("Settings", settings(comparison)),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${parts.join("\n")}
</main>
</body>
</html>
`;
}

function figureTable(comparison: Comparison): string {
  const { entrants, seeds } = comparison;
  const shown = figuresOf(comparison).filter(({ key }) => summaryOf(comparison, key).some((spread) => spread !== null));
  const best = shown.map(({ key, better }) => bestOf(summaryOf(comparison, key), better));
  const rows = entrants.map((entrant, n) => {
    const figures = shown.map((style, column) => {
      const { mean, around } = written(summaryOf(comparison, style.key)[n] ?? null, style, entrant.runs.length);
      return `<td${best[column] === n ? ' class="best"' : ""}>${mean}${around && `<small>${around}</small>`}</td>`;
    });
    const { fit, predict } = entrant.seconds;
    const parameters = entrant.parameters?.toLocaleString("en") ?? "–";
    const rest = [parameters, duration(fit.mean), duration(predict.mean)].map((text) => `<td>${text}</td>`);
    return `<tr><td>${key(n)}${escaped(entrant.name)}</td>${figures.join("")}${rest.join("")}</tr>`;
  });
  const heads = ["", ...shown.map(({ label }) => label), "parameters", "training", "prediction"];
  const said =
    `Mean ± standard deviation over the seeds ${seeds.join(", ")}; what knows no chance ran once. ` +
    "A star marks the best. Times are of one run.";
  return `${table(heads, rows)}\n<p class="quiet">${said}</p>`;
}

function testTable({ tests, reference }: Comparison): string {
  const rows = tests.map((test) => {
    const { name, of } = TESTS[test.kind];
    const { pValues, pValue, adjusted } = test;
    const figures = [pValues.map(probability).join(" · "), probability(pValue), probability(adjusted)];
    const cells = [`${reference} – ${test.other}`, name, `${advantage(test)} ${of}`, ...figures];
    return `<tr>${cells.map((cell) => `<td>${escaped(cell)}</td>`).join("")}</tr>`;
  });
  return table(["", "test", "advantage", "p of each seed", "p together", "adjusted (Holm)"], rows);
}

function classificationPictures(drawing: Drawing, comparison: ClassificationComparison): string {
  const { entrants, classes, positive } = comparison;
  const roc = rocCurves(drawing, comparison);
  const ofRoc = positive === null ? entrants.find(({ runs }) => runs[0] === rocReference(comparison)[0])?.name : undefined;
  const rocTitle = ofRoc === undefined ? `ROC curves of “${positive ?? ""}”` : `ROC curves of ${ofRoc}, each class against the rest`;
  const scored = entrants.filter(({ runs }) => runs[0]?.roc).map(({ name }) => name);
  const rocLegend = ofRoc === undefined ? legend(names(comparison), scored) : legend(classes);
  const matrices = entrants.map(({ name, runs }, n) => {
    const [first] = runs;
    return first ? figure(name, confusion(drawing, classes, name, first, n)) : "";
  });
  const said = "Counts on the test part, of the first seed; cells are as strong as their part of the true class.";
  const least = classes.length > 5 ? "28rem" : "17rem";
  return [
    learning(drawing, comparison),
    roc === undefined ? "" : section("ROC curves", pictures([figure(rocTitle, roc)]) + rocLegend),
    section("Confusion", `<p class="quiet">${said}</p>${pictures(matrices, least)}`),
  ].join("\n");
}

function forecastPictures(drawing: Drawing, comparison: ForecastComparison): string {
  const panels = comparison.entrants.map(({ name, runs }, n) => figure(name, forecast(drawing, comparison, name, runs, n)));
  const said = "The last origin's forecasts beside what came (grey): the first seed's line and its 80 % interval, thin lines for the other seeds.";
  return `${section("Forecasts", `<p class="quiet">${said}</p>${pictures(panels, "26rem")}`)}\n${learning(drawing, comparison)}`;
}

function learning(drawing: Drawing, comparison: Comparison): string {
  const curves = (["loss", "validation"] as const).flatMap((which) => {
    const svg = lossCurves(drawing, comparison, which);
    return svg === undefined ? [] : [figure(which === "loss" ? "Training" : "Validation", svg)];
  });
  if (curves.length === 0) return "";
  const trained = names(comparison).filter((_, n) => comparison.entrants[n]?.runs[0]?.epochs.length);
  return section("Loss", `${pictures(curves, "26rem")}${legend(names(comparison), trained)}<p class="quiet">Strong lines are the first seed's.</p>`);
}

function settings({ entrants, task, seeds, reference, ...rest }: Comparison): string {
  const each = entrants.map(({ name, settings }) => `<h3>${escaped(name)}</h3>${settings ? block(settings) : '<p class="quiet">has none</p>'}`);
  const data = "data" in rest ? rest.data : { horizon: rest.horizon, season: rest.season, transform: rest.transform, origins: rest.origins };
  return `<details open><summary>The comparison</summary>${block({ task, seeds, reference, ...data })}</details>
<details><summary>The entrants</summary>${each.join("\n")}</details>`;
}

function block(value: object): string {
  // What holds no lists or objects stays on a line.
  const json = JSON.stringify(value, null, 2).replaceAll(/[[{]\n[^[\]{}]*[\]}]/g, (inner) => inner.replaceAll(/\s*\n\s*/g, " "));
  return `<pre>${escaped(json)}</pre>`;
}

function names({ entrants }: Comparison): string[] {
  return entrants.map(({ name }) => name);
}

/** What lines stand for: those of `all` that are `shown`, in the colours of their places. */
function legend(all: readonly string[], shown: readonly string[] = all): string {
  const items = all.flatMap((name, n) => (shown.includes(name) ? [`<li>${key(n)}${escaped(name)}</li>`] : []));
  return `<ul class="legend">${items.join("")}</ul>`;
}

/** The n-th entrant's line in small. */
function key(n: number): string {
  const { colour, dashes } = look(n);
  const path = `<path d="M0 5h27" stroke="${colour}" stroke-width="3" stroke-dasharray="${dashes}"/>`;
  return `<svg class="key" viewBox="0 0 27 10" aria-hidden="true">${path}</svg>`;
}

function section(title: string, body: string): string {
  return `<section><h2>${title}</h2>\n${body}\n</section>`;
}

function figure(title: string, svg: string): string {
  return `<figure><figcaption>${escaped(title)}</figcaption>${svg}</figure>`;
}

function pictures(figures: readonly string[], least = "20rem"): string {
  return `<div class="pictures" style="--least: ${least}">${figures.join("\n")}</div>`;
}

function table(heads: readonly string[], rows: readonly string[]): string {
  const head = heads.map((text) => `<th scope="col">${text}</th>`).join("");
  return `<div class="scroll" tabindex="0"><table><thead><tr>${head}</tr></thead><tbody>${rows.join("\n")}</tbody></table></div>`;
}

function escaped(text: string): string {
  const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text.replaceAll(/[&<>"]/g, (character) => entities[character] as string);
}
