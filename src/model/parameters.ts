// A model's weights by name, and the table that tells what it consists of.

import type { Tensor as TensorDescription, ModelDescription } from "../generated/core.js";
import { sizeOf } from "./predictions.js";

/** One of a model's parameters. */
export interface Tensor {
  /** Its sizes, the outermost first. */
  readonly shape: readonly number[];
  /** A copy of its numbers, row-major. */
  readonly data: Float32Array;
}

/** Every tensor by name, copied out of `weights`. */
export function namedTensors(tensors: readonly TensorDescription[], weights: Float32Array): Record<string, Tensor> {
  const entries = tensors.map(({ name, shape, offset, length }): [string, Tensor] => {
    return [name, { shape: [...shape], data: weights.slice(offset, offset + length) }];
  });
  return Object.fromEntries(entries);
}

/** A row for the input, each layer and the output: what it is, what leaves it, how many numbers it learns. */
export function summaryTable({ definition, tensors, parameters }: ModelDescription): string {
  const trained = (prefix: string): string =>
    tensors
      .filter(({ name, trained }) => trained && name.startsWith(prefix))
      .reduce((sum, { length }) => sum + length, 0)
      .toLocaleString("en-US");
  const { input, layers, output } = definition;
  const activation = output.classes ? "softmax" : output.labels ? "sigmoid" : "linear";
  /** What leaves the layer that was named last. */
  let outputs = 0;
  const layerRows = layers.map(({ cell, units, projection, bidirectional }, index) => {
      outputs = (bidirectional ? 2 : 1) * (projection ?? units);
      const isLast = index === layers.length - 1 && (output.at ?? "last") === "last";
      const shape = isLast ? `[n, ${outputs}]` : `[n, steps, ${outputs}]`;
      return [`layers.${index}: ${bidirectional ? "bidirectional " : ""}${cell}`, shape, trained(`layers.${index}.`)];
    });
  const rows = [
    ["layer", "output shape", "parameters"],
    [input.scaling === "standard" ? "input, scaled" : "input", `[n, steps, ${input.features ?? 0}]`, "0"],
    ...layerRows,
    ...(output.at === "attention" ? [["attention", `[n, ${outputs}]`, trained("attention.")]] : []),
    [`output: ${activation}`, `[n${output.at === "each" ? ", steps" : ""}, ${sizeOf(output)}]`, trained("output.")],
    ["total", "", parameters.toLocaleString("en-US")],
  ];
  return formatTable(rows);
}

/** Columns of text, the last one flush right, with a rule under the head and above the foot. */
function formatTable(rows: readonly (readonly string[])[]): string {
  const columns = rows[0]?.length ?? 0;
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (column === columns - 1 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join("  "),
  );
  const rule = "─".repeat(widths.reduce((sum, width) => sum + width, 2 * (columns - 1)));
  return [...lines.slice(0, 1), rule, ...lines.slice(1, -1), rule, ...lines.slice(-1)].join("\n");
}
