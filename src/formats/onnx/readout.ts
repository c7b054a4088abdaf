// The steps of the last layer that the output is computed from: the final states, every step, or all valid steps as one.

import type { At } from "../../generated/core.js";
import { linearOverSteps, parameter } from "./algebra.js";
import type { Graph, Value } from "./graph.js";
import type { Batch, LayerOutput } from "./place.js";
import { ELEMENT } from "./proto.js";
import type { Weights } from "./weights.js";

/** What the head reads: [n, D], or with an output at each step [n, steps, D]. */
export function readout(graph: Graph, weights: Weights, at: At, batch: Batch, layers: readonly LayerOutput[]): Value {
  const { steps = "", last = "" } = layers.at(-1) ?? {};
  switch (at) {
    case "last":
      return last;
    case "each":
      return graph.op("Transpose", [steps], { perm: [1, 0, 2] }, "each");
    case "mean":
      return mean(graph, batch, steps);
    case "max":
      return graph.op("ReduceMax", [masked(graph, batch, steps, -Infinity)], { axes: [0], keepdims: 0 }, "max");
    case "attention":
      return attention(graph, weights, batch, steps);
  }
}

/** Values [steps, n, …], another number standing in the padding. */
function masked(graph: Graph, { ragged }: Batch, values: Value, padding: number): Value {
  return ragged ? graph.op("Where", [ragged.valid, values, graph.float(padding)], {}, "masked") : values;
}

function mean(graph: Graph, batch: Batch, steps: Value): Value {
  if (!batch.ragged) return graph.op("ReduceMean", [steps], { axes: [0], keepdims: 0 }, "mean");
  const sum = graph.op("ReduceSum", [masked(graph, batch, steps, 0), graph.ints(0)], { keepdims: 0 });
  const lengths = graph.op("Cast", [graph.op("Unsqueeze", [batch.ragged.lengths, graph.ints(1)])], { to: ELEMENT.float });
  return graph.op("Div", [sum, lengths], {}, "mean");
}

/** Σₜ a[t] h[t], a the softmax over t of v · tanh(W h[t] + b). */
function attention(graph: Graph, weights: Weights, batch: Batch, steps: Value): Value {
  const [weight, bias] = ["weight", "bias"].map((name) => parameter(graph, weights, `attention.${name}`));
  const units = graph.op("Tanh", [linearOverSteps(graph, steps, weight ?? "", bias)], {}, "attention.units");
  const { data } = weights.get("attention.score");
  const v = graph.tensor("attention.score", [data.length, 1], data);
  const scores = masked(graph, batch, graph.op("MatMul", [units, v], {}, "attention.scores"), -Infinity);
  const parts = graph.op("Softmax", [scores], { axis: 0 }, "attention.weights");
  const weighed = graph.op("Mul", [parts, masked(graph, batch, steps, 0)]);
  return graph.op("ReduceSum", [weighed, graph.ints(0)], { keepdims: 0 }, "attention");
}
