// What users hand in: sequences and their targets. Types only.

import type { Output, Targets } from "../model/outputs.js";
import type { SavedPipeline } from "./pipeline/saved.js";

/** Anything that holds whole numbers: one valid length a sequence. */
export type Lengths = Uint32Array | Int32Array | Uint16Array | Uint8Array | readonly number[];

/** Class indices, counted from 0 in the order of the definition's classes. */
export type ClassIndices = Uint8Array | Uint16Array | Uint32Array | Int8Array | Int16Array | Int32Array;

/** Tokens, counted from 0. */
export type Tokens = Uint8Array | Uint16Array | Uint32Array | Int8Array | Int16Array | Int32Array;

/** A batch of sequences of numbers, padded at the end to the same number of steps. */
export interface NumberSequences {
  /** [n, steps, features], row-major. Finite wherever a step counts; what stands in the padding does not matter. */
  readonly x: Float32Array;
  /** The sizes of `x`: sequences, steps, features a step. */
  readonly shape: readonly [n: number, steps: number, features: number];
  /** [n] How many steps of each sequence count, from 1 to `steps`. All of them unless given. */
  readonly lengths?: Lengths | undefined;
}

/** What a model may read beside the numbers of steps. */
interface MoreThanNumbers {
  /** [n, steps], each below the definition's `tokens` wherever a step counts; what stands in the padding does not matter. */
  readonly tokens?: Tokens | undefined;
  /** [n, statics], row-major: finite. */
  readonly statics?: Float32Array | undefined;
}

/** A batch of sequences of tokens without numbers at their steps, padded at the end to the same number of steps. */
export interface TokenSequences extends MoreThanNumbers, Pick<NumberSequences, "lengths"> {
  readonly x?: undefined;
  readonly tokens: Tokens;
  /** The sizes of `tokens`. */
  readonly shape: readonly [n: number, steps: number];
}

/**
 * A batch of sequences, padded at the end to the same number of steps: what the model's `input` says that it reads of each,
 * and nothing else: `x`, `tokens`, `statics`.
 *
 * @example
 * ```ts
 * // Two sequences of up to three steps with one feature: [1, 2, 3] and [4].
 * const numbers = { x: new Float32Array([1, 2, 3, 4, 0, 0]), shape: [2, 3, 1], lengths: [3, 1] };
 * // Two of tokens, each with two numbers that hold for all of it.
 * const tokens = new Uint8Array([7, 2, 5, 1, 0, 0]);
 * const words = { tokens, statics: new Float32Array([0.5, 1, 0.25, 0]), shape: [2, 3], lengths: [3, 1] };
 * ```
 */
export type Sequences = NumbersAndMore | TokenSequences;

/** Sequences with numbers at each step, whatever else there is. */
export type NumbersAndMore = NumberSequences & MoreThanNumbers;

/** Sequences and what a model shall predict for each. `Out` says what that is, as in {@link Model}. */
export type LabelledData<Out extends Output = string> = Sequences & {
  /** One for each sequence, or for each step of each where the model has an output `at` each: see {@link Targets}. */
  readonly targets: Targets<Out>;
  /**
   * [n], or [n, steps] where there is an output at each step: by how much each target counts, from 0 on. 1 unless given.
   * What weighs 0 may be anything. The loss of a batch is Σ weight · loss / Σ weight.
   */
  readonly weights?: Float32Array | undefined;
  /** The fitted pipeline that all of this came from: `fit` keeps it with the model, for raw rows to come. */
  readonly preprocessing?: SavedPipeline | undefined;
};
