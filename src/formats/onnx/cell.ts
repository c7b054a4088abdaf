// What the written-out cells share: what they are a step of, and their product with the hidden state. Knows no time.

import { linear, parameter, parameterIfAny } from "./algebra.js";
import type { Graph, Value } from "./graph.js";
import type { Layer } from "./place.js";
import type { Weights } from "./weights.js";

/** One direction of a layer, inside the graph of one step. */
export interface Direction {
  readonly graph: Graph;
  readonly layer: Layer;
  readonly weights: Weights;
}

/** The states of a step: hidden [n, R], of an LSTM also cell [n, H]. */
export interface StepStates {
  readonly hidden: Value;
  readonly cell: Value | undefined;
}

/** A step: from W_ih x + b_ih [n, G·H], under layer normalisation without b_ih, and the states before to those after. */
export type Cell = (direction: Direction, ofInput: Value, before: StepStates) => StepStates;

/** W_hh h, and with the bias b_hh: [n, G·H]. */
export function ofHidden({ graph, weights }: Direction, hidden: Value, isBiased = true): Value {
  const bias = isBiased ? parameterIfAny(graph, weights, "bias_hh") : undefined;
  return linear(graph, hidden, parameter(graph, weights, "weight_hh"), bias, "of_hidden");
}
