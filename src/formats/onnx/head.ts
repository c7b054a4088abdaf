// What comes out: a linear map, and what makes probabilities or [steps ahead, values, quantiles] of its numbers. Zero in the
// padding, as the model's own `run` has it.

import { linear, linearOverSteps, normalisedIfSaid, parameter } from "./algebra.js";
import type { Graph, Value } from "./graph.js";
import type { Batch, Definition } from "./place.js";
import type { Weights } from "./weights.js";

type Output = Definition["output"];

/** From rows [n, D], or [n, steps, D] with an output at each step: declares the output `probabilities` or `values`. */
export function head(graph: Graph, weights: Weights, { output }: Definition, batch: Batch, rows: Value): void {
  const weight = parameter(graph, weights, output.tied === true ? "embedding.weight" : "output.weight");
  const read = normalisedIfSaid(graph, weights, "output.norm", rows);
  const isEach = output.at === "each";
  const map = isEach ? linearOverSteps : linear;
  const numbers = predicted(graph, output, map(graph, read, weight, parameter(graph, weights, "output.bias"), "output"));
  const sizes = sizesOf(output);
  const leading = isEach ? ["n", "steps"] : ["n"];
  const zeroed = isEach ? withoutPadding(graph, batch, numbers) : numbers;
  const shaped = sizes.length === 1 ? zeroed : graph.op("Reshape", [zeroed, graph.ints(...leading.map(() => 0), ...sizes)]);
  const name = output.values === undefined ? "probabilities" : "values";
  graph.output(shaped, name, { element: "float", shape: [...leading, ...sizes] }, description(output, [...leading, ...sizes]));
}

function predicted(graph: Graph, { classes, labels }: Output, numbers: Value): Value {
  if (classes) return graph.op("Softmax", [numbers], { axis: -1 });
  return labels ? graph.op("Sigmoid", [numbers]) : numbers;
}

function withoutPadding(graph: Graph, { ragged }: Batch, numbers: Value): Value {
  if (!ragged) return numbers;
  const valid = graph.op("Transpose", [ragged.valid], { perm: [1, 0, 2] });
  return graph.op("Where", [valid, numbers, graph.float(0)]);
}

/** Of one prediction: one number a class or label; of values [values], [steps ahead, values], with quantiles one more at the end. */
function sizesOf({ classes, labels, values = 1, steps, quantiles }: Output): number[] {
  const names = classes ?? labels;
  if (names) return [names.length];
  return [...(steps === undefined ? [] : [steps]), values, ...(quantiles ? [quantiles.length] : [])];
}

function description({ classes, labels, at, steps, quantiles }: Output, shape: readonly (number | string)[]): string {
  const each = at === "each" ? ", at each step; zero beyond a sequence's length" : "";
  const sizes = `[${shape.join(", ")}]`;
  if (classes) return `The probability of each class, which sum to 1${each}: ${sizes}. The metadata names the classes.`;
  if (labels) return `The probability of each label, apart from the others${each}: ${sizes}. The metadata names the labels.`;
  const what = [steps === undefined ? "" : "steps ahead, ", "values", quantiles ? ", quantiles" : ""].join("");
  return `The predicted ${what}${each}: ${sizes}.`;
}
