// What goes in: the arrays that the model reads, scaled, looked up and side by side as the first layer reads them. Steps come
// first from here on, [steps, n, …], as ONNX's recurrent operators take them.

import { parameter } from "./algebra.js";
import type { Graph, Value } from "./graph.js";
import type { Batch, Definition, Ragged } from "./place.js";
import { ELEMENT } from "./proto.js";
import type { Weights } from "./weights.js";

/** The arrays of `Model.run`, each undefined where the model does not read it. */
export interface Arrays {
  /** [n, steps, features] */
  readonly x: Value | undefined;
  /** [n, steps] */
  readonly tokens: Value | undefined;
  /** [n, statics] */
  readonly statics: Value | undefined;
  /** [n] */
  readonly lengths: Value | undefined;
}

/** Declares them as the graph's inputs; `lengths` only if they are wanted. */
export function declareArrays(graph: Graph, { input }: Definition, withLengths: boolean): Arrays {
  const { features, tokens, statics } = input;
  const beyond = withLengths ? " What stands beyond a sequence's length does not matter." : "";
  const floats = (name: string, shape: readonly (number | string)[], description: string) =>
    graph.input(name, { element: "float", shape }, description);
  const integers = (name: string, shape: readonly string[], description: string) =>
    graph.input(name, { element: "int64", shape }, description);
  return {
    x: optional(features, (count) => floats("x", ["n", "steps", count], `The numbers of each step: [n, steps, ${count}].${beyond}`)),
    tokens: optional(tokens, (count) => {
      return integers("tokens", ["n", "steps"], `The token of each step, from 0 to ${count - 1}: [n, steps].${beyond}`);
    }),
    statics: optional(statics, (count) => floats("statics", ["n", count], `The numbers of each whole sequence: [n, ${count}].`)),
    lengths: withLengths ? integers("lengths", ["n"], "How many steps of each sequence count, from 1 to all of them: [n].") : undefined,
  };
}

function optional(count: number | undefined, declare: (count: number) => Value): Value | undefined {
  return count === undefined ? undefined : declare(count);
}

/** The batch's sizes. */
export function batchOf(graph: Graph, { x, tokens, lengths }: Arrays): Batch {
  const first = x ?? tokens;
  const n = graph.op("Shape", [first], { start: 0, end: 1 }, "n");
  if (lengths === undefined) return { n, ragged: undefined };
  const steps = graph.op("Squeeze", [graph.op("Shape", [first], { start: 1, end: 2 }, "steps")]);
  const numbers = graph.op("Range", [graph.int(0), steps, graph.int(1)]);
  const isBefore = graph.op("Less", [graph.op("Unsqueeze", [numbers, graph.ints(1)]), lengths]);
  const valid = graph.op("Unsqueeze", [isBefore, graph.ints(2)], {}, "valid");
  return { n, ragged: { lengths, lengths32: graph.op("Cast", [lengths], { to: ELEMENT.int32 }, "lengths.int32"), valid } };
}

/** What the first layer reads [steps, n, I]: a step's numbers, its token's embedding, the statics that are joined there. */
export function firstReads(graph: Graph, weights: Weights, { input }: Definition, arrays: Arrays, { ragged }: Batch): Value {
  const { x, tokens, statics } = arrays;
  const parts: Value[] = [];
  if (x !== undefined) parts.push(graph.op("Transpose", [scaled(graph, weights, "input", x)], { perm: [1, 0, 2] }, "x.steps"));
  if (tokens !== undefined) parts.push(embedded(graph, weights, tokens, ragged));
  if (statics !== undefined && input.staticsAs !== "states") {
    const steps = graph.op("Shape", parts.slice(0, 1), { start: 0, end: 2 });
    const shape = graph.op("Concat", [steps, graph.ints(input.statics ?? 0)], { axis: 0 });
    parts.push(graph.op("Expand", [scaled(graph, weights, "statics", statics), shape], {}, "statics.steps"));
  }
  return parts.length === 1 ? (parts[0] ?? "") : graph.op("Concat", parts, { axis: -1 }, "reads");
}

/** Tokens [n, steps] as [steps, n, embedding]. In the padding there may be any number; token 0 is looked up there. */
function embedded(graph: Graph, weights: Weights, tokens: Value, ragged: Ragged | undefined): Value {
  const turned = graph.op("Transpose", [tokens], { perm: [1, 0] }, "tokens.steps");
  const valid = ragged && graph.op("Squeeze", [ragged.valid, graph.ints(2)]);
  const known = valid === undefined ? turned : graph.op("Where", [valid, turned, graph.int(0)]);
  return graph.op("Gather", [parameter(graph, weights, "embedding.weight"), known], { axis: 0 }, "embedding");
}

/** (values − mean) / deviation, once these have been fitted: until then no deviation is a number other than 0. */
export function scaled(graph: Graph, weights: Weights, what: "input" | "statics", values: Value): Value {
  const deviation = weights.find(`${what}.deviation`);
  if (!deviation || deviation.data.includes(0)) return values;
  // As the core has it: the reciprocal of a subnormal deviation is no further than at the end of f32.
  const factor = deviation.data.map((deviation) => Math.max(-LARGEST, Math.min(LARGEST, 1 / deviation)));
  const centred = graph.op("Sub", [values, parameter(graph, weights, `${what}.mean`)]);
  return graph.op("Mul", [centred, graph.tensor(`${what}.factor`, [factor.length], factor)], {}, `${what}.scaled`);
}

/** The largest f32. */
const LARGEST = 2 ** 128 - 2 ** 104;
