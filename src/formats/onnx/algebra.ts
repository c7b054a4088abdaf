// What networks are made of beside recurrence, in ONNX's operators: linear maps, stacks, the normalisation of rows.

import type { Graph, Value } from "./graph.js";
import type { Weights } from "./weights.js";

/** Added to variances before their root: the core's, and PyTorch's. */
const NORM_EPSILON = 1e-5;

/** One of the model's tensors, under its own name. */
export function parameter(graph: Graph, weights: Weights, name: string): Value {
  const { shape, data } = weights.get(name);
  return graph.tensor(weights.nameOf(name), shape, data);
}

/** The same where there is one. */
export function parameterIfAny(graph: Graph, weights: Weights, name: string): Value | undefined {
  return weights.has(name) ? parameter(graph, weights, name) : undefined;
}

/** x [rows, I] times the transpose of weight [K, I], and bias [K] added: [rows, K]. */
export function linear(graph: Graph, x: Value, weight: Value, bias: Value | undefined, name?: string): Value {
  return graph.op("Gemm", [x, weight, bias], { transB: 1 }, name);
}

/** The same of x [a, b, I]: [a, b, K]. */
export function linearOverSteps(graph: Graph, x: Value, weight: Value, bias: Value | undefined, name?: string): Value {
  const product = graph.op("MatMul", [x, graph.op("Transpose", [weight], { perm: [1, 0] })], {}, name);
  return bias === undefined ? product : graph.op("Add", [product, bias], {}, name);
}

/** (x − mean) / √(variance + ε) · gain + bias over the last axis. */
export function normalised(graph: Graph, x: Value, gain: Value, bias: Value | undefined): Value {
  return graph.op("LayerNormalization", [x, gain, bias], { axis: -1, epsilon: { float: NORM_EPSILON } }, "norm");
}

/** `nn.LayerNorm` by the model's tensors `name.weight` and `name.bias`, where it has them; else x. */
export function normalisedIfSaid(graph: Graph, weights: Weights, name: string, x: Value): Value {
  const [gain, bias] = ["weight", "bias"].map((tensor) => parameterIfAny(graph, weights, `${name}.${tensor}`));
  return gain === undefined ? x : normalised(graph, x, gain, bias);
}

/** Parts of x along its last axis, of these sizes or each of this size. */
export function split(graph: Graph, x: Value, sizes: number | readonly number[], names: readonly string[]): Value[] {
  const all = typeof sizes === "number" ? names.map(() => sizes) : sizes;
  return graph.ops("Split", [x, graph.ints(...all)], names, { axis: -1 });
}

/** The values side by side along a new axis. */
export function stacked(graph: Graph, values: readonly Value[], axis: number, name?: string): Value {
  const parts = values.map((value) => graph.op("Unsqueeze", [value, graph.ints(axis)]));
  return parts.length === 1 ? (parts[0] as Value) : graph.op("Concat", parts, { axis }, name);
}
