// The time of inference and of a training step against batch, steps and units: a chart for each.

import type { Machine } from "../machine.js";
import type { Row } from "../rows.js";
import { type Shape, forwardOperations, nameOf, trainingOperations } from "../shapes.js";
import { SWEEPS, type Sweep } from "../suites/sweeps.js";
import { milliseconds } from "../table.js";
import type { Chart, Line, Panel, Point } from "./chart.js";

/** A chart and the name of its file. */
export interface CostChart {
  readonly file: string;
  readonly chart: Chart;
}

const PANELS = [
  { operation: "inference", operations: forwardOperations },
  { operation: "training step", operations: trainingOperations },
] as const;

const NAMES: Readonly<Record<string, string>> = { pytorch: "PyTorch" };

/** A chart for each sweep of which the rows hold at least two shapes. */
export function costCharts(machine: Machine, rows: readonly Row[]): CostChart[] {
  const measured = rows.filter((row) => row.suite === "cost" && row.ours_ms !== null);
  return SWEEPS.flatMap((sweep) => {
    const panels = PANELS.map(({ operation, operations }): Panel => {
      const own = measured.filter((row) => row.operation === operation);
      return { title: operation, lines: linesOf(sweep, own, (shape) => operations(shape) / (machine.peak_gflops * 1e6)) };
    });
    const shapes = new Set(panels.flatMap(({ lines }) => lines.flatMap(({ points }) => points.map(([x]) => x))));
    return shapes.size < 2 ? [] : [{ file: `cost-${sweep.size}.svg`, chart: chartOf(sweep, panels) }];
  });
}

/** @param limit the milliseconds that the machine needs at its peak */
function linesOf(sweep: Sweep, rows: readonly Row[], limit: (shape: Shape) => number): Line[] {
  const points = (milliseconds: (shape: Shape, row: Row | undefined) => number | null | undefined, peer?: string) =>
    sweep.shapes.flatMap((shape): Point[] => {
      const row = rows.find((row) => row.shape === nameOf(shape) && (peer === undefined || row.peer === peer));
      const time = row && milliseconds(shape, row);
      return time ? [[shape[sweep.size], time]] : [];
    });
  const peers = [...new Set(rows.flatMap(({ peer, peer_ms }) => (peer !== null && peer_ms !== null ? [peer] : [])))];
  return [
    { name: "Gatewise", points: points((_, row) => row?.ours_ms) },
    ...peers.map((peer) => ({ name: NAMES[peer] ?? peer, points: points((_, row) => row?.peer_ms, peer) })),
    { name: "the machine's limit", bound: true, points: points(limit) },
  ];
}

function chartOf({ size, letter, counts, held }: Sweep, panels: readonly Panel[]): Chart {
  return {
    title: `Time against ${size}`,
    description: `${describe(panels)} Lower is faster; both axes are logarithmic. Held: ${held}; one thread.`,
    xLabel: `${letter}, ${counts} (${held}; one thread)`,
    yLabel: "milliseconds",
    panels,
  };
}

/** The first and last time of each line, in words. */
function describe(panels: readonly Panel[]): string {
  const sentences = panels.map(({ title, lines }) => {
    const ends = lines.flatMap(({ name, points }) => {
      const [first, last] = [points[0], points.at(-1)];
      return first && last ? [`${name} from ${milliseconds(first[1])} to ${milliseconds(last[1])}`] : [];
    });
    return `${title}: ${ends.join(", ")}.`;
  });
  return sentences.join(" ");
}
