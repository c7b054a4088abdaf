// The rows as a person reads them in a terminal.

import type { Row } from "./rows.js";

/** A line of the table for each row, under a heading for each suite and operation. */
export class Table {
  #heading = "";

  /** The lines that print this row. */
  lines(row: Row): string[] {
    const heading = [row.suite, row.operation, row.backend, threadsOf(row)].filter(Boolean).join(" · ");
    const lines = heading === this.#heading ? [] : ["", heading, TITLES];
    this.#heading = heading;
    return [...lines, lineOf(row), ...remarks(row)];
  }
}

const COLUMNS = [
  ["shape", 28],
  ["ours", 11],
  ["of peak", 8],
  ["peer", 18],
  ["its time", 11],
  ["ratio", 7],
  ["spread", 13],
  ["target", 24],
  ["met", 4],
] as const;

/** Words stand to the left, numbers to the right. */
const WORDS: ReadonlySet<string> = new Set(["shape", "peer", "target", "met"]);

const TITLES = line(COLUMNS.map(([title]) => title));

function line(cells: readonly string[]): string {
  const padded = COLUMNS.map(([title, width], index) => {
    const cell = cells[index] ?? "";
    return WORDS.has(title) ? cell.padEnd(width) : cell.padStart(width);
  });
  return `  ${padded.join("  ")}`.trimEnd();
}

function lineOf(row: Row): string {
  return line([
    row.shape,
    row.failure ? "FAILED" : ownFigure(row),
    row.percent_of_peak === undefined ? "" : `${row.percent_of_peak.toFixed(1)} %`,
    row.peer ?? "",
    row.peer_ms === null ? (row.peer_memory === undefined ? "" : megabytes(row.peer_memory)) : milliseconds(row.peer_ms),
    row.ratio === null ? "" : row.ratio.toFixed(2),
    row.ratio_low === undefined || row.ratio_high === undefined ? "" : `${row.ratio_low.toFixed(2)} – ${row.ratio_high.toFixed(2)}`,
    targetText(row.target),
    row.met === null ? "" : row.met ? "yes" : "NO",
  ]);
}

/** The row's figure by its own name, where it is no time. */
function ownFigure(row: Row): string {
  if (row.overhead !== undefined) return `${(row.overhead * 100).toFixed(2)} %`;
  if (row.memory !== undefined) return megabytes(row.memory);
  if (row.figure !== undefined) return `${row.figure.value} ${row.figure.unit}`;
  return row.ours_ms === null ? "" : milliseconds(row.ours_ms);
}

function remarks({ failure, cost, cost_over, note }: Row): string[] {
  const times = cost === undefined ? undefined : `${cost.toFixed(2)} times ${cost_over}`;
  return [failure, times, note].filter((text) => text !== undefined).map((text) => `      ${text}`);
}

export function targetText(target: Row["target"]): string {
  if (target === null) return "";
  return typeof target === "number" ? `≥ ${target}` : target;
}

/** Three digits that count. */
export function milliseconds(value: number): string {
  if (value < 1) return `${(value * 1000).toPrecision(3)} µs`;
  return `${value < 100 ? value.toPrecision(3) : Math.round(value)} ms`;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toPrecision(3)} MB`;
}

function threadsOf({ threads }: Row): string {
  if (threads === null) return "";
  return threads === 1 ? "1 thread" : `${threads} threads`;
}

/** How many rows met their target, and which did not: the last lines of the run. */
export function summary(rows: readonly Row[]): string[] {
  const [met, missed] = [true, false].map((value) => rows.filter((row) => row.met === value));
  const failed = rows.filter(({ failure }) => failure);
  const nameOf = (row: Row) => [row.suite, row.operation, row.shape, threadsOf(row), row.peer && `against ${row.peer}`].filter(Boolean).join(" · ");
  return [
    "",
    `targets: ${met?.length ?? 0} met, ${missed?.length ?? 0} missed; rows that failed: ${failed.length}`,
    ...(missed ?? []).map((row) => `  missed: ${nameOf(row)}: ${reached(row)}, target ${targetText(row.target)}`),
    ...failed.map((row) => `  FAILED: ${nameOf(row)}: ${row.failure?.split("\n", 1)[0]}`),
  ];
}

function reached(row: Row): string {
  const ratio = row.ratio === null ? ownFigure(row) : row.ratio.toFixed(2);
  return row.percent_of_peak === undefined ? ratio : `${ratio}, ${row.percent_of_peak.toFixed(1)} % of peak`;
}
