// A layer in its model, as what writes it in ONNX's operators sees it. Types, and what follows from a definition alone.

import type { LayerDefinition, ModelDefinition } from "../../generated/core.js";
import type { DeepReadonly } from "../../model/definition.js";
import type { Graph, Value } from "./graph.js";
import type { Weights } from "./weights.js";

export type Definition = DeepReadonly<ModelDefinition>;
export type Layer = DeepReadonly<LayerDefinition>;

/** The batch's sizes as values of the graph. */
export interface Batch {
  /** n as an int64 [1]. */
  readonly n: Value;
  /** What tells the steps that count; undefined where all do. */
  readonly ragged: Ragged | undefined;
}

/** How long the sequences of a batch are. */
export interface Ragged {
  /** int64 [n] */
  readonly lengths: Value;
  /** The same as int32, which ONNX's recurrent operators take. */
  readonly lengths32: Value;
  /** Whether a step is one of its sequence's: bool [steps, n, 1]. */
  readonly valid: Value;
}

/** States of a layer with D directions: hidden [D, n, H], of an LSTM also cell [D, n, C]. */
export interface LayerStates {
  readonly hidden: Value;
  readonly cell: Value | undefined;
}

/** A layer, what it begins from (zeros where that is undefined), and where it stands. */
export interface LayerPlace {
  readonly graph: Graph;
  readonly weights: Weights;
  readonly batch: Batch;
  readonly index: number;
  readonly layer: Layer;
  readonly initial: LayerStates | undefined;
}

/** What the cells of a layer give, its directions merged. */
export interface LayerOutput {
  /** [steps, n, D]; what stands in the padding does not matter. */
  readonly steps: Value;
  /** [n, D]: after the step that each direction ends with. */
  readonly last: Value;
  readonly final: LayerStates;
}

/** Numbers of one direction's states, and of its gates. */
export function sizesOf({ cell, units, projection, coupledGates }: Layer): { hidden: number; cell: number; gates: number } {
  const gates = { lstm: coupledGates === true ? 3 : 4, gru: 3, rnn: 1 }[cell];
  return { hidden: projection ?? units, cell: cell === "lstm" ? units : 0, gates: gates * units };
}

/** 1, or 2 for a bidirectional layer. */
export function directionsOf({ bidirectional }: Layer): 1 | 2 {
  return bidirectional === true ? 2 : 1;
}
