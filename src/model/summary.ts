// The table that tells what a model consists of. The figures are the core's.

import { GatewiseError } from "../errors.js";
import type { ModelSummary, SummaryRow } from "../generated/core.js";
import { toJson } from "../json.js";
import type { Optimizer } from "../training/learning-rate.js";

/** The training that a summary tells the memory of. */
export interface SummaryOptions {
  /** Sequences a batch. 32 unless given, as for `fit`. */
  readonly batchSize?: number | undefined;
  /** Steps of each sequence. 100 unless given. */
  readonly steps?: number | undefined;
  /** What is trained with: Adam keeps two numbers beside each weight, plain SGD none. Adam unless given, as for `fit`. */
  readonly optimizer?: Optimizer | undefined;
}

/** What options come to. Whether they are in range is the core's to judge. */
export function summarised({ batchSize = 32, steps = 100, optimizer = { kind: "adam" } }: SummaryOptions): [number, number, string] {
  for (const [name, value] of Object.entries({ batchSize, steps })) {
    if (Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff) continue;
    throw new GatewiseError("invalid_option", `options.${name}`, `${String(value)} is no number of ${name}: give a whole number from 1 on`);
  }
  // Learning rates take no memory, and functions no JSON.
  return [batchSize, steps, toJson({ ...optimizer, learningRate: undefined })];
}

/** A row for all that data goes through, their sums, and the memory of training. */
export function summaryTable({ rows, parameters, multiplyAdds, training }: ModelSummary): string {
  const table = formatTable([
    ["layer", "output shape", "parameters", "multiply-adds a step", "path"],
    ...rows.map((row) => [title(row), shape(row), count(row.parameters), count(row.multiplyAdds), row.path ?? ""]),
    ["total", "", count(parameters), count(multiplyAdds), ""],
  ]);
  const { batchSize, steps, packed, activations } = training;
  const total = training.parameters + packed + activations;
  return [
    table,
    `memory for training: ${bytes(total)}, in batches of ${batchSize} sequences of ${steps} steps`,
    `  weights, gradients and the optimiser's state ${bytes(training.parameters)}, packed weights ${bytes(packed)}, activations ${bytes(activations)}`,
  ].join("\n");
}

function title({ name, kind }: SummaryRow): string {
  if (kind === "") return name;
  // A layer or an output is something; an input only has something said of it.
  return name === "input" ? `${name}, ${kind}` : `${name}: ${kind}`;
}

function shape({ each, outputs }: SummaryRow): string {
  return each ? `[n, steps, ${outputs}]` : `[n, ${outputs}]`;
}

function count(number: number): string {
  return number.toLocaleString("en-US");
}

function bytes(number: number): string {
  const [size, unit] = number < 1e6 ? [number / 1e3, "KB"] : number < 1e9 ? [number / 1e6, "MB"] : [number / 1e9, "GB"];
  return `${size.toFixed(1)} ${unit}`;
}

/** Columns of text, those of figures flush right, with a rule under the head and above the foot. */
function formatTable(rows: readonly (readonly string[])[]): string {
  const columns = rows[0]?.length ?? 0;
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const cell = (text: string, column: number): string =>
    column === 2 || column === 3 ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0);
  const lines = rows.map((row) => row.map(cell).join("  ").trimEnd());
  const rule = "─".repeat(widths.reduce((sum, width) => sum + width, 2 * (columns - 1)));
  return [...lines.slice(0, 1), rule, ...lines.slice(1, -1), rule, ...lines.slice(-1)].join("\n");
}
