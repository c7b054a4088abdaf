// The picture of a search for a learning rate: losses over learning rates, as the text of an SVG file that reads on light and on
// dark pages. Knows no models.

/** What is drawn. */
export interface RangeCurve {
  readonly rates: readonly number[];
  readonly losses: readonly number[];
  readonly smoothed: readonly number[];
  readonly suggestion: number | null;
}

/** In pixels. */
const WIDTH = 640;
const HEIGHT = 400;
const FRAME = { left: 64, right: 616, top: 56, bottom: 344 };

const STYLE = `
  .page { fill: #fff } text { fill: #1f2328; font: 12px system-ui, sans-serif } .title { font-weight: 600; font-size: 14px }
  .grid { stroke: #d8dee4 } .frame { stroke: #8c959f; fill: none } .line { fill: none; stroke-linejoin: round }
  .raw { stroke: #afb8c1 } .smoothed { stroke: #0072b2; stroke-width: 2 } .suggestion { stroke: #d55e00; stroke-width: 1.5; stroke-dasharray: 5 4 }
  .chosen { fill: #c14f00; font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } text { fill: #e6edf3 } .grid { stroke: #2d333b } .frame { stroke: #656d76 }
    .raw { stroke: #57606a } .smoothed { stroke: #56b4e9 } .suggestion { stroke: #ff8f3d } .chosen { fill: #ff8f3d }
  }`;

/** Draws the curve. Losses beyond twice the range of the smoothed ones are cut off. */
export function drawRangeCurve(curve: RangeCurve): string {
  const { rates, losses, smoothed, suggestion } = curve;
  const [from, to] = [Math.log10(rates[0] ?? 1e-7), Math.log10(rates.at(-1) ?? 10)];
  const x = (rate: number) => FRAME.left + ((Math.log10(rate) - from) / (to - from || 1)) * (FRAME.right - FRAME.left);
  const ticks = niceTicks(...lossRange(losses, smoothed));
  const [least, most] = [ticks[0] ?? 0, ticks.at(-1) ?? 1];
  const y = (loss: number) => FRAME.bottom - ((loss - least) / (most - least)) * (FRAME.bottom - FRAME.top);
  const decades = Array.from({ length: Math.max(0, Math.floor(to) - Math.ceil(from) + 1) }, (_, k) => Math.ceil(from) + k);
  const line = (values: readonly number[], kind: string) => {
    const points = values.map((value, index) => `${x(rates[index] ?? 1).toFixed(1)},${y(value).toFixed(1)}`);
    return `<polyline class="line ${kind}" clip-path="url(#frame)" points="${points.join(" ")}"/>`;
  };
  const size = `viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}"`;
  const frame = `x="${FRAME.left}" y="${FRAME.top}" width="${FRAME.right - FRAME.left}" height="${FRAME.bottom - FRAME.top}"`;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-labelledby="title">`,
    `<title id="title">Loss by learning rate${suggestion === null ? "" : `; suggested: ${shown(suggestion)}`}</title>`,
    `<style>${STYLE}</style><rect class="page" width="100%" height="100%"/>`,
    `<clipPath id="frame"><rect ${frame}/></clipPath>`,
    `<text class="title" x="${FRAME.left}" y="22">Loss by learning rate</text>`,
    ...legend(),
    ...ticks.map((tick) => `<line class="grid" x1="${FRAME.left}" x2="${FRAME.right}" y1="${y(tick)}" y2="${y(tick)}"/>`),
    ...ticks.map((tick) => `<text x="${FRAME.left - 8}" y="${y(tick) + 4}" text-anchor="end">${shown(tick)}</text>`),
    ...decades.map((power) => `<line class="grid" x1="${x(10 ** power)}" x2="${x(10 ** power)}" y1="${FRAME.top}" y2="${FRAME.bottom}"/>`),
    ...decades.map((power) => `<text x="${x(10 ** power)}" y="${FRAME.bottom + 18}" text-anchor="middle">${shown(10 ** power)}</text>`),
    line(losses, "raw"),
    line(smoothed, "smoothed"),
    ...(suggestion === null ? [] : suggested(x(suggestion), suggestion)),
    `<rect class="frame" x="${FRAME.left}" y="${FRAME.top}" width="${FRAME.right - FRAME.left}" height="${FRAME.bottom - FRAME.top}"/>`,
    `<text x="${(FRAME.left + FRAME.right) / 2}" y="${HEIGHT - 12}" text-anchor="middle">learning rate</text>`,
    `<text transform="translate(16 ${(FRAME.top + FRAME.bottom) / 2}) rotate(-90)" text-anchor="middle">loss</text>`,
    "</svg>",
  ].join("\n")}\n`;
}

function legend(): string[] {
  const entries = [
    ["smoothed", "smoothed"],
    ["raw", "each step"],
  ] as const;
  return entries.flatMap(([kind, name], index) => {
    const left = FRAME.right - 192 + index * 105;
    return [`<line class="${kind}" x1="${left}" x2="${left + 20}" y1="40" y2="40"/>`, `<text x="${left + 26}" y="44">${name}</text>`];
  });
}

/** A line at the suggestion, its number on the side that has room. */
function suggested(x: number, rate: number): string[] {
  const right = x < (FRAME.left + FRAME.right) / 2;
  const place = `x="${right ? x + 6 : x - 6}" y="${FRAME.bottom - 10}" text-anchor="${right ? "start" : "end"}"`;
  return [
    `<line class="suggestion" x1="${x}" x2="${x}" y1="${FRAME.top}" y2="${FRAME.bottom}"/>`,
    `<text class="chosen" ${place}>${shown(rate)}</text>`,
  ];
}

/** From the least to the largest loss that is worth showing. */
function lossRange(losses: readonly number[], smoothed: readonly number[]): [number, number] {
  const [least, most] = [Math.min(...smoothed), Math.max(...smoothed)];
  if (!(least <= most)) return [0, 1];
  const room = (most - least) / 2 || Math.abs(most) / 2 || 1;
  const inside = losses.filter((loss) => loss >= least - room && loss <= most + room);
  return [Math.min(least, ...inside), Math.max(most, ...inside)];
}

/** Round numbers that span a range in some five steps. */
function niceTicks(least: number, most: number): number[] {
  const rough = (most - least || Math.abs(most) || 1) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => power * factor >= rough) ?? 10);
  const [first, last] = [Math.floor(least / step), Math.ceil(most / step)];
  return Array.from({ length: Math.max(last - first, 1) + 1 }, (_, k) => (first + k) * step);
}

/** A number in three digits. */
function shown(value: number): string {
  const size = Math.abs(value);
  if (value !== 0 && (size < 1e-3 || size >= 1e5)) return value.toExponential(2).replace(/\.?0+e/, "e");
  return String(Number(value.toPrecision(3)));
}
