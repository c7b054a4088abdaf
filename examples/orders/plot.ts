// One SVG with two panels: the loss while training, and the ROC curves on the test samples. Knows only numbers to
// draw. Colours follow the viewer's light or dark scheme.

import type { Comparison } from "./comparison.js";

type RocPoint = Pick<Comparison["roc"]["lstm"][number], "falsePositiveRate" | "truePositiveRate">;

type Point = readonly [x: number, y: number];

export interface PlotInput {
  /** The training loss of every step. */
  readonly losses: readonly number[];
  /** The validation loss after every epoch. */
  readonly validation: readonly { readonly step: number; readonly loss: number }[];
  /** Areas under the ROC curves. */
  readonly auc: { readonly lstm: number; readonly logistic: number };
  readonly roc: { readonly lstm: readonly RocPoint[]; readonly logistic: readonly RocPoint[] };
}

interface Axis {
  readonly label: string;
  readonly from: number;
  readonly to: number;
  readonly ticks: readonly number[];
}

/** Lines without a label are not in the legend. */
interface Line {
  readonly style: string;
  readonly label: string;
  readonly points: readonly Point[];
}

interface PanelInput {
  readonly title: string;
  readonly legendTop: number;
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly Line[];
}

/** What scores without any information reach. */
const CHANCE: readonly RocPoint[] = [0, 1].map((rate) => ({ falsePositiveRate: rate, truePositiveRate: rate }));

const PANEL = { width: 380, height: 300, left: 64, top: 48, gap: 84 };
const SIZE = { width: 2 * PANEL.width + PANEL.gap + PANEL.left + 24, height: PANEL.top + PANEL.height + 60 };

/** Blue and orange of Okabe and Ito's palette, which the colour-blind can tell apart. */
const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #333; }
  .title { font-size: 15px; font-weight: 600; }
  .page { fill: #fff; }
  .frame, .tick { fill: none; stroke: #999; }
  .curve { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
  .first { stroke: #0072b2; } .second { stroke: #d55e00; }
  .noise { stroke: #0072b2; stroke-width: 0.5; opacity: 0.3; }
  .chance { stroke: #999; stroke-width: 1.5; stroke-dasharray: 5 5; }
  @media (prefers-color-scheme: dark) {
    text { fill: #ddd; } .page { fill: #16191d; } .frame, .tick { stroke: #777; }
    .first, .noise { stroke: #56b4e9; } .second { stroke: #e69f00; }
  }`;

export function lossAndRocSvg({ losses, validation, roc, auc }: PlotInput): string {
  const smooth = movingMean(losses, 50);
  const range = [...smooth, ...validation.map(({ loss }) => loss)];
  const lossAxis = axis("cross-entropy loss (nats)", Math.min(...range) - 0.02, Math.max(...range) + 0.02);

  const lossPanel = panel({
    title: "Loss while training",
    legendTop: 16,
    x: axis("step", 0, losses.length),
    y: lossAxis,
    lines: [
      { style: "noise", label: "", points: toPoints(losses) },
      { style: "first", label: "training, mean of 50 steps", points: toPoints(smooth) },
      { style: "second", label: "validation", points: validation.map(({ step, loss }) => [step, loss]) },
    ],
  });
  const rocPanel = panel({
    title: "ROC on the test samples",
    legendTop: PANEL.height - 64,
    x: axis("false positive rate", 0, 1),
    y: axis("true positive rate", 0, 1),
    lines: [
      { style: "chance", label: "chance", points: toRates(CHANCE) },
      { style: "second", label: `logistic regression, AUC ${auc.logistic.toFixed(3)}`, points: toRates(roc.logistic) },
      { style: "first", label: `LSTM, AUC ${auc.lstm.toFixed(3)}`, points: toRates(roc.lstm) },
    ],
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIZE.width} ${SIZE.height}" role="img">
<title>Loss while training, and ROC curves on the test samples</title>
<style>${STYLE}
</style>
<clipPath id="inside"><rect width="${PANEL.width}" height="${PANEL.height}"/></clipPath>
<rect class="page" width="${SIZE.width}" height="${SIZE.height}"/>
<g transform="translate(${PANEL.left} ${PANEL.top})">${lossPanel}</g>
<g transform="translate(${PANEL.left + PANEL.width + PANEL.gap} ${PANEL.top})">${rocPanel}</g>
</svg>
`;
}

function panel({ title, legendTop, x, y, lines }: PanelInput): string {
  const { width, height } = PANEL;
  const toX = (value: number) => round(((value - x.from) / (x.to - x.from)) * width);
  const toY = (value: number) => round(height - ((value - y.from) / (y.to - y.from)) * height);

  const xTicks = x.ticks.map((tick) => {
    const at = toX(tick);
    return `<path class="tick" d="M${at} ${height}v5"/><text x="${at}" y="${height + 20}" text-anchor="middle">${tick}</text>`;
  });
  const yTicks = y.ticks.map((tick) => {
    const at = toY(tick);
    return `<path class="tick" d="M0 ${at}h-5"/><text x="-9" y="${at + 4}" text-anchor="end">${tick}</text>`;
  });
  // "h0" makes a dot of a line with a single point.
  const curves = lines.map(({ style, points }) => {
    const path = points.map(([px, py]) => `${toX(px)} ${toY(py)}`).join("L");
    return `<path class="curve ${style}" d="M${path}h0" clip-path="url(#inside)"/>`;
  });
  return [
    `<text class="title" y="-16">${title}</text>`,
    ...curves,
    `<rect class="frame" width="${width}" height="${height}"/>`,
    ...xTicks,
    ...yTicks,
    `<text x="${width / 2}" y="${height + 44}" text-anchor="middle">${x.label}</text>`,
    `<text transform="translate(-46 ${height / 2}) rotate(-90)" text-anchor="middle">${y.label}</text>`,
    legend(lines.filter(isNamed), legendTop),
  ].join("\n");
}

function legend(lines: readonly Line[], top: number): string {
  const rows = lines.map(({ style, label }, row) => {
    const y = top + 22 * row;
    return `<path class="curve ${style}" d="M${PANEL.width - 240} ${y}h24"/><text x="${PANEL.width - 208}" y="${y + 4}">${label}</text>`;
  });
  return rows.join("\n");
}

/** Some five ticks at multiples of 1, 2 or 5 times a power of ten. */
function axis(label: string, from: number, to: number): Axis {
  const rough = (to - from) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((multiple) => multiple * power >= rough) ?? 10);
  const first = Math.ceil(from / step);
  const ticks = Array.from({ length: Math.floor(to / step) - first + 1 }, (_, n) =>
    Number(((first + n) * step).toPrecision(6)),
  );
  return { label, from, to, ticks };
}

/** The mean of each value and those before it, at most `window` in all. */
function movingMean(values: readonly number[], window: number): number[] {
  let total = 0;
  return values.map((value, n) => {
    total += value - (values[n - window] ?? 0);
    return total / Math.min(n + 1, window);
  });
}

function toPoints(values: readonly number[]): Point[] {
  return values.map((value, n) => [n + 1, value]);
}

function toRates(curve: readonly RocPoint[]): Point[] {
  return curve.map(({ falsePositiveRate, truePositiveRate }) => [falsePositiveRate, truePositiveRate]);
}

function isNamed({ label }: Line): boolean {
  return label !== "";
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
