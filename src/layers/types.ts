// What enters a layer by itself and what leaves it: n sequences of some steps, D directions (1, or 2 for a bidirectional
// layer), G gates of U units each, H numbers of a direction's hidden state (its units, or what they are projected to) and C of
// its cell state. Types only.

import type { NumberSequences } from "../data/types.js";
import type { Cell } from "../generated/core.js";
import type { Tensor } from "../model/parameters.js";

/** What only an LSTM has. */
export type OfCell<C extends Cell> = C extends "lstm" ? Float32Array : undefined;

/** A batch of sequences, padded at the end, and the states to begin from. */
export interface LayerBatch extends NumberSequences {
  /** [D, n, H] PyTorch's `h_0`; zero unless given. */
  readonly initialHidden?: Float32Array | undefined;
  /** [D, n, C] PyTorch's `c_0`, of LSTMs only; zero unless given. */
  readonly initialCell?: Float32Array | undefined;
  /**
   * Whether this is a training step, as after PyTorch's `module.train()`: masks for recurrent dropout, zoneout and weight dropout
   * are drawn from the layer's seed, others at each pass. False unless given: nothing is random.
   */
  readonly training?: boolean | undefined;
  /** A training step under these masks instead of drawn ones. */
  readonly masks?: LayerMasks | undefined;
}

/**
 * The masks of a training step: one for each option of the layer that takes one, and no other. What those of steps hold beyond
 * a sequence's length does not matter.
 */
export interface LayerMasks {
  /** [D, n, H] With `recurrentDropout`: what the hidden state is multiplied with on its way into the gates: 0, or 1 / (1 − rate). */
  readonly recurrent?: Float32Array | undefined;
  /** [n, steps, D·H] With `zoneout.hidden`: 1 where the hidden state keeps its value of the step before, else 0. */
  readonly keepHidden?: Float32Array | undefined;
  /** [n, steps, D·C] With `zoneout.cell`: the same of the cell state. */
  readonly keepCell?: Float32Array | undefined;
  /** [D, G·U, H] With `weightDropout`: what `weight_hh` is multiplied with: 0, or 1 / (1 − rate). */
  readonly weight?: Float32Array | undefined;
}

/** What a forward pass gives; the arrays are the caller's. */
export interface LayerStates<C extends Cell = Cell> {
  /** [n, steps, D·H] The hidden state after each step, both directions side by side; zero beyond a sequence's length. */
  readonly hidden: Float32Array;
  /** [D, n, H] PyTorch's `h_n`: after the step that each sequence ends with, its last valid one, in reverse its first. */
  readonly finalHidden: Float32Array;
  /** [D, n, C] PyTorch's `c_n`, likewise. */
  readonly finalCell: OfCell<C>;
}

/** Gradients of a loss by what the forward pass gave; what is left out is zero, what lies in the padding does not matter. */
export interface StateGradients {
  /** [n, steps, D·H] */
  readonly hidden?: Float32Array | undefined;
  /** [D, n, H] */
  readonly finalHidden?: Float32Array | undefined;
  /** [D, n, C] Of LSTMs only. */
  readonly finalCell?: Float32Array | undefined;
}

/** Gradients of a loss by all that the forward pass read; the arrays are the caller's. */
export interface LayerGradients<C extends Cell = Cell> {
  /** [n, steps, inputs] Zero beyond a sequence's length. */
  readonly x: Float32Array;
  /** Those of every parameter, by its name. */
  readonly parameters: Readonly<Record<string, Tensor>>;
  /** [D, n, H] */
  readonly initialHidden: Float32Array;
  /** [D, n, C] */
  readonly initialCell: OfCell<C>;
}
