// Panels of lines on logarithmic axes, drawn as an SVG that reads on light and on dark pages. Knows nothing of benchmarks.

import { type ScaleLogarithmic, scaleLog } from "d3-scale";
import { type SymbolType, line, symbol, symbolCircle, symbolDiamond, symbolSquare, symbolTriangle } from "d3-shape";

import { element, text } from "./svg.js";

/** A measured point: both numbers positive. */
export type Point = readonly [x: number, y: number];

/** One line of a panel. Lines of the same name look alike in every panel and share an entry of the legend. */
export interface Line {
  readonly name: string;
  readonly points: readonly Point[];
  /** A bound and no measurement: dashed, grey, without markers. */
  readonly bound?: boolean;
}

/** One of the plots that stand side by side; they share their axes. */
export interface Panel {
  readonly title: string;
  readonly lines: readonly Line[];
}

/** A picture. */
export interface Chart {
  readonly title: string;
  /** What a reader who cannot see it should know. */
  readonly description: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly panels: readonly Panel[];
}

/** A line's class in `STYLE`, and the shape of its points. */
interface Look {
  readonly colour: string;
  readonly marker?: SymbolType;
}

/** For the measured lines, in the order of their first appearance: colours of Okabe and Ito, told apart by shape too. */
const LOOKS: readonly Look[] = [
  { colour: "blue", marker: symbolCircle },
  { colour: "orange", marker: symbolSquare },
  { colour: "green", marker: symbolTriangle },
  { colour: "purple", marker: symbolDiamond },
];

const BOUND: Look = { colour: "bound" };

/** The background is opaque: a page may be dark where the reader's system is light. */
const STYLE = `
  .page { fill: #fff } text { fill: #1f2328; font: 12px system-ui, sans-serif } .title { font-weight: 600 }
  .grid { stroke: #d8dee4 } .frame { stroke: #8c959f; fill: none }
  .line { fill: none; stroke: currentColor; stroke-width: 2 } .marker { fill: currentColor }
  .blue { color: #0072b2 } .orange { color: #d55e00 } .green { color: #00805c } .purple { color: #a2467e }
  .bound { color: #59636e; stroke-dasharray: 5 4 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } text { fill: #e6edf3 } .grid { stroke: #2d333b } .frame { stroke: #656d76 }
    .blue { color: #56b4e9 } .orange { color: #ff8f3d } .green { color: #2fc793 } .purple { color: #e08fc0 }
    .bound { color: #9198a1 }
  }`;

/** In pixels. */
const PANEL = { width: 360, height: 270 };
const MARGIN = { left: 64, right: 16, top: 62, bottom: 46 };
const GAP = 20;
/** Room between the frame and the outermost points. */
const INSET = 18;
/** In square pixels. */
const MARKER_AREA = 44;

/** The picture as the text of an SVG file. */
export function drawChart(chart: Chart): string {
  const width = MARGIN.left + chart.panels.length * (PANEL.width + GAP) - GAP + MARGIN.right;
  const height = MARGIN.top + PANEL.height + MARGIN.bottom;
  const axes = axesOf(chart);
  const panels = chart.panels.map((panel, index) => {
    const left = MARGIN.left + index * (PANEL.width + GAP);
    return element("g", { transform: `translate(${left} ${MARGIN.top})` }, drawPanel(panel, axes, index === 0));
  });
  const middle = { x: (MARGIN.left + width - MARGIN.right) / 2, y: MARGIN.top + PANEL.height / 2 };
  const size = { viewBox: `0 0 ${width} ${height}`, width, height };
  const named = { role: "img", "aria-labelledby": "title description" };
  return `${element("svg", { xmlns: "http://www.w3.org/2000/svg", ...size, ...named }, [
    element("title", { id: "title" }, [text(chart.title)]),
    element("desc", { id: "description" }, [text(chart.description)]),
    element("style", {}, [STYLE]),
    element("rect", { class: "page", width: "100%", height: "100%" }),
    ...drawLegend(axes.looks),
    ...panels,
    label(chart.xLabel, { x: middle.x, y: height - 10, "text-anchor": "middle" }),
    label(chart.yLabel, { transform: `translate(16 ${middle.y}) rotate(-90)`, "text-anchor": "middle" }),
  ])}\n`;
}

/** What all panels share. */
interface Axes {
  readonly x: ScaleLogarithmic<number, number>;
  readonly y: ScaleLogarithmic<number, number>;
  /** The measured values: the ticks of the x axis. */
  readonly xTicks: readonly number[];
  /** Powers of ten. */
  readonly yTicks: readonly number[];
  readonly looks: ReadonlyMap<string, Look>;
}

function axesOf(chart: Chart): Axes {
  const lines = chart.panels.flatMap((panel) => panel.lines);
  const points = lines.flatMap((line) => line.points);
  const xTicks = [...new Set(points.map(([x]) => x))].sort((a, b) => a - b);
  const x = scaleLog(extent(xTicks), [INSET, PANEL.width - INSET]);
  const y = scaleLog(extent(points.map((point) => point[1])), [PANEL.height, 0]).nice();
  const yTicks = y.ticks().filter((tick) => Math.abs(Math.log10(tick) - Math.round(Math.log10(tick))) < 1e-9);
  return { x, y, xTicks, yTicks, looks: looksOf(lines) };
}

function drawPanel(panel: Panel, { x, y, xTicks, yTicks, looks }: Axes, leftmost: boolean): string[] {
  const { width, height } = PANEL;
  return [
    label(panel.title, { class: "title", x: width / 2, y: -10, "text-anchor": "middle" }),
    ...yTicks.map((tick) => element("line", { class: "grid", x2: width, y1: y(tick), y2: y(tick) })),
    ...yTicks
      .filter(() => leftmost)
      .map((tick) => label(String(tick), { x: -8, y: y(tick) + 4, "text-anchor": "end" })),
    ...xTicks.map((tick) => element("line", { class: "grid", x1: x(tick), x2: x(tick), y2: height })),
    ...xTicks.map((tick) => label(String(tick), { x: x(tick), y: height + 17, "text-anchor": "middle" })),
    element("rect", { class: "frame", width, height }),
    ...panel.lines.flatMap((line) =>
      drawLine(
        line.points.map(([px, py]) => [x(px), y(py)] as const),
        looks.get(line.name) ?? BOUND,
      ),
    ),
  ];
}

/** @param points in pixels */
function drawLine(points: readonly Point[], { colour, marker }: Look): string[] {
  const path = line<Point>(([x]) => x, (point) => point[1]).digits(2);
  const markers = marker ? points.map((point) => drawMarker(marker, colour, point)) : [];
  return [element("path", { class: `line ${colour}`, d: path(points) ?? "" }), ...markers];
}

function drawMarker(marker: SymbolType, colour: string, [x, y]: Point): string {
  const transform = `translate(${x.toFixed(2)} ${y.toFixed(2)})`;
  return element("path", { class: `marker ${colour}`, transform, d: symbol(marker, MARKER_AREA).digits(2)() ?? "" });
}

function drawLegend(looks: ReadonlyMap<string, Look>): string[] {
  const y = 18;
  let left = MARGIN.left;
  const drawn: string[] = [];
  for (const [name, { colour, marker }] of looks) {
    drawn.push(element("path", { class: `line ${colour}`, d: `M${left},${y}h26` }));
    if (marker) drawn.push(drawMarker(marker, colour, [left + 13, y]));
    drawn.push(label(name, { x: left + 32, y: y + 4 }));
    left += 44 + name.length * 7; // letters of 12 px are 7 wide on average
  }
  return drawn;
}

/** How each line looks: the measured ones first, in the legend too. */
function looksOf(lines: readonly Line[]): ReadonlyMap<string, Look> {
  const names = (bound: boolean) =>
    new Set(lines.filter((line) => (line.bound ?? false) === bound).map(({ name }) => name));
  const measured = [...names(false)];
  if (measured.length > LOOKS.length) throw new Error(`a chart tells ${LOOKS.length} lines apart, not ${measured.length}`);
  const looks = measured.map((name, index) => [name, LOOKS[index] ?? BOUND] as const);
  return new Map([...looks, ...[...names(true)].map((name) => [name, BOUND] as const)]);
}

function extent(values: readonly number[]): [least: number, most: number] {
  return [Math.min(...values), Math.max(...values)];
}

function label(content: string, attributes: Readonly<Record<string, string | number>>): string {
  return element("text", attributes, [text(content)]);
}
