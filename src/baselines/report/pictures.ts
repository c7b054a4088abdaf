// The pictures of a report as SVG. Knows nothing of pages.

import { type Drawing, type Mark, type MarkOptions } from "../../drawing.js";
import type { ClassificationComparison, ClassificationRun, Comparison, ForecastComparison, ForecastRun } from "../compare/types.js";
import { look } from "./theme.js";

/** The letters and the ground of every picture. */
const STYLE = { fontSize: "13px", background: "none" } as const;
const PANEL = { style: STYLE, width: 560, height: 340, marginLeft: 56, marginBottom: 42, marginTop: 28 } as const;

/** The n-th entrant's line: strong for the first seed, thin for the others. */
function styled(n: number, run: number): MarkOptions {
  const { colour, dashes } = look(n);
  return { stroke: colour, strokeDasharray: dashes, strokeWidth: run === 0 ? 2 : 1, strokeOpacity: run === 0 ? 1 : 0.45 };
}

/** The loss of each pass over the training data, or over the validation data; undefined where there are no passes. */
export function lossCurves({ Plot, draw }: Drawing, comparison: Comparison, which: "loss" | "validation"): string | undefined {
  const marks: Mark[] = comparison.entrants.flatMap((entrant, n) =>
    entrant.runs.flatMap(({ epochs }, run) => {
      const points = epochs.flatMap((epoch, index) => (epoch[which] === null ? [] : [[index + 1, epoch[which]]]));
      return points.length > 0 ? [Plot.line(points, styled(n, run))] : [];
    }),
  );
  if (marks.length === 0) return undefined;
  const longest = Math.max(...comparison.entrants.flatMap(({ runs }) => runs.map(({ epochs }) => epochs.length)));
  const what = which === "loss" ? "training loss" : "validation loss";
  const ends = comparison.entrants.flatMap(({ name, runs }) => {
    const last = runs[0]?.epochs.at(-1)?.[which];
    return typeof last === "number" ? [`${name} ${last.toFixed(3)}`] : [];
  });
  return draw({
    ...PANEL,
    ariaLabel: `The ${what} by epoch`,
    ariaDescription: `Lines of the ${what} of each network over its epochs. At the end, of the first seed: ${ends.join(", ")}.`,
    // Whole epochs alone.
    x: { label: "epoch", labelAnchor: "center", labelArrow: "none", ticks: Math.min(8, longest - 1) },
    y: { label: what, grid: true, labelArrow: "none" },
    marks,
  });
}

/** ROC curves of each entrant (two classes), or of the reference's classes, each against the rest. Undefined without probabilities. */
export function rocCurves({ Plot, draw }: Drawing, comparison: ClassificationComparison): string | undefined {
  const binary = comparison.positive !== null;
  const lines = binary
    ? comparison.entrants.flatMap(({ runs }, n) =>
        runs.flatMap(({ roc }, run) => (roc ?? []).map(({ points }) => ({ points, n, run }))),
      )
    : rocReference(comparison).flatMap(({ roc }) =>
        (roc ?? []).map(({ class: name, points }) => ({ points, n: comparison.classes.indexOf(name), run: 0 })),
      );
  if (lines.length === 0) return undefined;
  const description = binary
    ? comparison.entrants.flatMap(({ name, summary: { auc } }) => (auc ? [`${name} ${auc.mean.toFixed(3)}`] : [])).join(", ")
    : `classes ${comparison.classes.join(", ")}`;
  return draw({
    ...PANEL,
    width: 440,
    height: 420,
    ariaLabel: "ROC curves",
    ariaDescription:
      `The true positive rate over the false positive rate. Mean areas under the curves: ${description}. ` +
      "The diagonal is chance, 0.5.",
    x: { label: "false positive rate", domain: [0, 1], labelAnchor: "center", labelArrow: "none" },
    y: { label: "true positive rate", domain: [0, 1], grid: true, labelArrow: "none" },
    marks: [
      Plot.line([[0, 0], [1, 1]], { stroke: "var(--quiet)", strokeDasharray: "3 4" }),
      ...lines.map(({ points, n, run }) => Plot.line(points, styled(n, run))),
    ],
  });
}

/** The first run of the reference, or of the first entrant that gives probabilities. */
export function rocReference({ entrants, reference }: ClassificationComparison): readonly ClassificationRun[] {
  const chosen = entrants.find(({ name, runs }) => name === reference && runs[0]?.roc) ?? entrants.find(({ runs }) => runs[0]?.roc);
  return chosen?.runs.slice(0, 1) ?? [];
}

/** What was taken for what. Cells are as strong as their part of the row's class. */
export function confusion({ Plot, draw }: Drawing, classes: readonly string[], name: string, run: ClassificationRun, n: number): string {
  const cells = run.confusion.flatMap((row, t) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return row.map((count, p) => ({ truth: classes[t], predicted: classes[p], count, part: total > 0 ? count / total : 0 }));
  });
  const longest = Math.max(...classes.map((name) => name.length));
  const size = Math.max(220, 44 * classes.length);
  const marginLeft = 34 + 8 * longest;
  const rows = run.confusion.map((row, t) => `${classes[t]}: ${row.map((count, p) => `${count} as ${classes[p]}`).join(", ")}`);
  return draw({
    style: STYLE,
    width: size + marginLeft + 10,
    height: size * 0.75 + 66,
    marginLeft,
    marginBottom: 44,
    marginTop: 22,
    ariaLabel: `Confusion matrix of ${name}`,
    ariaDescription: `Rows are true classes, columns what they were taken for. ${rows.join("; ")}.`,
    x: { label: "predicted", domain: classes, labelAnchor: "center", labelArrow: "none", tickSize: 0 },
    y: { label: "in truth", domain: classes, labelArrow: "none", tickSize: 0 },
    marks: [
      Plot.cell(cells, {
        x: "predicted",
        y: "truth",
        fill: look(n).colour,
        fillOpacity: ({ part }: { part: number }) => 0.05 + 0.4 * part,
        inset: 1,
      }),
      Plot.text(cells, {
        x: "predicted",
        y: "truth",
        text: "count",
        // Of the page: even the fullest cell is a tint of its colour.
        fill: ({ part }: { part: number }) => (part > 0 ? "var(--text)" : "var(--quiet)"),
        fontWeight: 600,
      }),
    ],
    opacity: { type: "identity" },
  });
}

/** How far back a forecast's picture shows what was known. */
const SEASONS_BEFORE = 2;

/** What was known and came, and what one entrant said from the last origin on: every seed's middle, the first's interval. */
export function forecast({ Plot, draw }: Drawing, comparison: ForecastComparison, name: string, runs: readonly ForecastRun[], n: number): string {
  const { series, times, horizon, season } = comparison;
  const origin = comparison.origins.at(-1) as number;
  const from = Math.max(0, origin - Math.max(SEASONS_BEFORE * season, 2 * horizon));
  const x = (step: number) => (times ? new Date(times[step] as number) : step + 1);
  const known = series.slice(from, origin + horizon).map((value, t) => ({ x: x(from + t), value }));
  const paths = runs.map((run) => {
    const { values, lower, upper } = run.forecasts.at(-1) as ForecastRun["forecasts"][number];
    return values.map((value, h) => ({ x: x(origin + h), value, lower: lower?.[h], upper: upper?.[h] }));
  });
  const { colour, dashes } = look(n);
  const banded = paths[0]?.every(({ lower }) => lower !== undefined) ?? false;
  const came = series.slice(origin, origin + horizon).join(", ");
  const said = (paths[0] ?? []).map(({ value }) => Number(value.toPrecision(4))).join(", ");
  return draw({
    ...PANEL,
    height: 280,
    ariaLabel: `Forecast of ${name}`,
    ariaDescription: `What came, and what ${name} forecast of the last ${horizon} steps: ${said}. What came: ${came}.`,
    x: { label: times ? null : "step", labelAnchor: "center", labelArrow: "none", ...(times ? { type: "utc" } : {}) },
    y: { label: null, grid: true, domain: extent(comparison, from) },
    marks: [
      Plot.ruleX([x(origin)], { stroke: "var(--quiet)", strokeDasharray: "2 3" }),
      ...(banded ? [Plot.areaY(paths[0] ?? [], { x: "x", y1: "lower", y2: "upper", fill: colour, fillOpacity: 0.18 })] : []),
      Plot.line(known, { x: "x", y: "value", stroke: "var(--quiet)", strokeWidth: 1.5 }),
      Plot.dot(known, { x: "x", y: "value", fill: "var(--quiet)", r: 2.2 }),
      ...paths.map((path, run) => {
        return Plot.line(path, { x: "x", y: "value", ...styled(n, run), strokeDasharray: run === 0 ? "none" : dashes });
      }),
    ],
  });
}

/** The same for every entrant, so that pictures can be compared: all that is drawn, but for intervals far beyond it. */
function extent({ entrants, series, origins, horizon }: ForecastComparison, from: number): [number, number] {
  const origin = origins.at(-1) as number;
  const drawn = series.slice(from, origin + horizon);
  for (const { runs } of entrants) for (const { forecasts } of runs) drawn.push(...(forecasts.at(-1)?.values ?? []));
  const [low, high] = [Math.min(...drawn), Math.max(...drawn)];
  const margin = 0.15 * (high - low || 1);
  return [low - margin, high + margin];
}
