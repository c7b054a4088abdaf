// The picture of a tuning: the objective over each parameter, below it the learning curves of each rung. Knows nothing of how
// trials came to be.

import { type Plot, type PlotOptions, type ScaleOptions, openDrawing } from "../drawing.js";
import { shown } from "./table.js";
import type { Dimension, JsonValue } from "./space.js";
import type { Trial, TuningRecord } from "./types.js";

const PANEL = { width: 300, height: 220, gap: 16, columns: 3 };
const TOP = 44;
/** Of Okabe and Ito's palette, which the colour-blind can tell apart: failed, the winner, and from few epochs to many. */
const WINNER = "#d55e00";
const RUNGS = ["#b3cde3", "#6497b1", "#0072b2", "#03396c", "#011f4b"];

/** @throws {GatewiseError} `missing_package` */
export async function pictureOf(record: TuningRecord): Promise<string> {
  const { Plot, draw: drawn } = await openDrawing();
  const draw = (options: PlotOptions, width = PANEL.width) =>
    drawn({ width, height: PANEL.height, marginLeft: 52, marginBottom: 38, ...options });

  const names = Object.keys(record.space);
  const rows = Math.ceil(names.length / PANEL.columns);
  const columns = Math.min(PANEL.columns, Math.max(names.length, 2));
  const width = columns * (PANEL.width + PANEL.gap) + PANEL.gap;
  const panels = names.map((name, index) => {
    const [x, y] = [index % PANEL.columns, Math.floor(index / PANEL.columns)];
    const svg = draw(parameterPanel(Plot, record, name));
    return at(svg, PANEL.gap + x * (PANEL.width + PANEL.gap), TOP + y * (PANEL.height + PANEL.gap));
  });
  const top = TOP + rows * (PANEL.height + PANEL.gap);
  const curves = at(draw(curvesPanel(Plot, record), width - 2 * PANEL.gap), PANEL.gap, top + TOP / 2);
  const height = top + TOP / 2 + PANEL.height + PANEL.gap;
  const namespaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"';
  const size = `viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`;
  return `<svg ${namespaces} ${size} font-family="system-ui, sans-serif" fill="currentColor" color="#333" role="img">
<title>Tuning: ${escaped(record.objective)} over each parameter, and learning curves</title>
<rect width="${width}" height="${height}" fill="white"/>
${heading(28, headline(record))}
${panels.join("\n")}
${heading(top + 14, "Validation loss while training, by rung")}
${curves}
</svg>
`;
}

function heading(y: number, line: string): string {
  return `<text x="${PANEL.gap}" y="${y}" font-size="14" font-weight="600">${escaped(line)}</text>`;
}

function headline({ objective, trials, rungs }: TuningRecord): string {
  const failed = trials.filter(({ failure }) => failure).length;
  const best = trials[0]?.value === undefined ? "" : `; the best, in orange, ${shown(trials[0].value)}`;
  const epochs = rungs.map(({ epochs }) => epochs).join(", ");
  const counts = `${trials.length} trials, ${failed} failed${best}`;
  return `${objective} on validation data after ${epochs} epochs (the darker, the more): ${counts}`;
}

/** What a panel shows of a trial. */
interface Point {
  readonly x: number | string;
  /** Its value in the last rung that it came to the end of, if there is one. */
  readonly y: number | undefined;
  readonly rung: number;
  readonly winner: boolean;
}

function parameterPanel(Plot: Plot, { trials, space, objective, rungs }: TuningRecord, name: string): PlotOptions {
  const dimension = space[name] as Dimension;
  const domain = shownDomain(trials.flatMap(({ rungs }) => rungs.slice(-1).map(({ value }) => value)));
  const points = trials.map((trial, place) => pointOf(trial, place, dimension, trial.parameters[name] ?? null));
  const whole = points.filter(({ y }) => y !== undefined);
  const dots = (winner: boolean) =>
    Plot.dot(
      whole.filter((point) => point.winner === winner),
      {
        x: "x",
        y: "y",
        r: winner ? 6 : 3.5,
        fill: winner ? WINNER : (point: Point) => colourOf(point.rung, rungs.length),
        stroke: "white",
        strokeWidth: 0.7,
        clip: true,
      },
    );
  // Crosses below the upper edge: trials without a value.
  const failed = Plot.dot(
    points.filter(({ y }) => y === undefined),
    { x: "x", y: domain[1], symbol: "times", r: 4, stroke: "#333" },
  );
  return {
    inset: 8,
    x: { label: name, ...scaleOf(dimension) },
    y: { label: objective, grid: true, ticks: 5, domain },
    marks: [Plot.frame({ stroke: "#ccc" }), failed, dots(false), dots(true)],
  };
}

/** The last value of a trial, if it has one. */
function pointOf({ rungs, value }: Trial, place: number, dimension: Dimension, drawn: JsonValue): Point {
  const last = rungs.at(-1);
  const x = "choice" in dimension ? shown(drawn) : Number(drawn);
  return { x, y: last?.value, rung: last?.rung ?? 0, winner: place === 0 && value !== undefined };
}

/** All that might have been drawn, in the order in which the space has it. */
function scaleOf(dimension: Dimension): ScaleOptions {
  if ("choice" in dimension) return { type: "point", padding: 0.6, domain: dimension.choice.map(shown) };
  if ("uniform" in dimension) return { domain: dimension.uniform, ticks: 5 };
  if ("logUniform" in dimension) return { type: "log", domain: dimension.logUniform, tickFormat: powersOfTen };
  const [from, to] = dimension.integer;
  const few = to - from < 8 ? { ticks: Array.from({ length: to - from + 1 }, (_, n) => from + n) } : { ticks: 5 };
  return { type: dimension.scale ?? "linear", domain: [from, to], tickFormat: "d", ...few };
}

/** Names the ticks at 1, 10, …, 1e-4. */
function powersOfTen(value: number): string {
  const power = Math.log10(value);
  if (Math.abs(power - Math.round(power)) > 1e-9) return "";
  return Math.abs(power) < 3 ? String(Number(value.toPrecision(1))) : value.toExponential(0).replace("+", "");
}

/** From the least to the largest of most values: what is far off does not press the others together. */
function shownDomain(values: readonly number[]): [number, number] {
  const sorted = values.toSorted((a, b) => a - b);
  const quantile = (q: number) => sorted[Math.round(q * (sorted.length - 1))] ?? 0;
  const spread = quantile(0.75) - quantile(0.25) || Math.abs(quantile(0.5)) || 1;
  const [low, high] = [Math.max(quantile(0), quantile(0.25) - 3 * spread), Math.min(quantile(1), quantile(0.75) + 3 * spread)];
  const margin = (high - low || spread) * 0.05;
  return [low - margin, high + margin];
}

function curvesPanel(Plot: Plot, { trials, rungs }: TuningRecord): PlotOptions {
  const lines = trials.flatMap((trial, place) =>
    trial.rungs.flatMap(({ rung, epochs: limit, curves }) =>
      curves.flatMap((curve, fold) =>
        curve.map(({ epoch, validation }) => {
          const winner = place === 0 && trial.value !== undefined;
          const loss = validation?.loss ?? Number.NaN;
          return { rung: `${limit} epochs`, order: rung, line: `${trial.number} ${fold} ${rung}`, epoch, loss, winner };
        }),
      ),
    ),
  );
  const line = (winner: boolean) =>
    Plot.line(
      lines.filter((point) => point.winner === winner),
      {
        fx: "rung",
        x: "epoch",
        y: "loss",
        z: "line",
        stroke: winner ? WINNER : (point: { order: number }) => colourOf(point.order, rungs.length),
        strokeWidth: winner ? 2.2 : 1,
        clip: true,
      },
    );
  const domain = shownDomain(lines.map(({ loss }) => loss).filter(Number.isFinite));
  return {
    fx: { label: null, domain: rungs.map(({ epochs }) => `${epochs} epochs`) },
    x: { label: "epoch", ticks: 4, tickFormat: "d" },
    y: { label: "validation loss", grid: true, ticks: 5, domain },
    marks: [Plot.frame({ stroke: "#ccc" }), line(false), line(true)],
  };
}

function colourOf(rung: number, rungs: number): string {
  return RUNGS[Math.round((rungs === 1 ? 0.5 : rung / (rungs - 1)) * (RUNGS.length - 1))] ?? WINNER;
}

/** A picture of Plot's inside of another, in its place. */
function at(svg: string, x: number, y: number): string {
  return svg.replace("<svg ", `<svg x="${x}" y="${y}" `);
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
