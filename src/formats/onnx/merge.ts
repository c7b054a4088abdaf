// What becomes of a layer's two directions: side by side, their sum or their mean.

import type { Graph, Value } from "./graph.js";
import type { Layer } from "./place.js";

/** Of one value a direction, [..., H] each: [..., D]. */
export function merged(graph: Graph, layer: Layer, directions: readonly Value[], name: string): Value {
  const [first] = directions;
  if (first !== undefined && directions.length === 1) return first;
  if ((layer.merge ?? "concat") === "concat") return graph.op("Concat", directions, { axis: -1 }, name);
  const sum = graph.op("Add", directions, {}, name);
  return layer.merge === "sum" ? sum : graph.op("Mul", [sum, graph.float(0.5)], {}, name);
}

/** Of the values of all directions in one, [..., D, n, H]: [..., n, D·H] or [..., n, H]. */
export function mergedStack(graph: Graph, layer: Layer, stack: Value, of: "steps" | "last"): Value {
  const axis = of === "steps" ? 1 : 0;
  if (layer.bidirectional !== true) return graph.op("Squeeze", [stack, graph.ints(axis)], {}, of);
  if (layer.merge === "sum") return graph.op("ReduceSum", [stack, graph.ints(axis)], { keepdims: 0 }, of);
  if (layer.merge === "mean") return graph.op("ReduceMean", [stack], { axes: [axis], keepdims: 0 }, of);
  const sideBySide = graph.op("Transpose", [stack], { perm: of === "steps" ? [0, 2, 1, 3] : [1, 0, 2] });
  return graph.op("Reshape", [sideBySide, of === "steps" ? graph.ints(0, 0, -1) : graph.ints(0, -1)], {}, of);
}
