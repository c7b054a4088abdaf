// What the driver and its workers say to each other: JSON, a line each, one answer to each request.

import type { Shape } from "../shapes.js";

export type Operation = "inference" | "forward and backward" | "training step" | "streaming step";

/** Something to repeat, completely described: workers hold it ready in memory before they are timed. */
export interface Job {
  /** "peak" is the core's alone, "private step" Opacus's. */
  readonly operation: Operation | "peak" | "private step";
  readonly threads: number;
  /** Ours only: what the model runs on. */
  readonly backend?: "native" | "wasm";
  /** A safetensors file with the weights, by PyTorch's names. Nobody but its owner needs to read the definition in it. */
  readonly model: string;
  readonly shape: Shape;
  readonly classes: number;
  readonly data: DataFiles;
}

/** Files of little-endian 32-bit numbers. */
export interface DataFiles {
  /** Batches in the files, one after the other. Training goes through them in turn; everything else uses the first. */
  readonly batches: number;
  /** [batches · batch, steps, features] f32; null where a step is a token. */
  readonly x: string | null;
  /** [batches · batch, steps] u32; null where a step is numbers. */
  readonly tokens: string | null;
  /** [batches · batch, statics] f32; null where there are none. */
  readonly statics: string | null;
  /** [batches · batch] u32, or [batches · batch, steps] where there is an output at each step. */
  readonly targets: string;
  /** [batches · batch] u32; null where all sequences are whole. */
  readonly lengths: string | null;
}

export type Request =
  | { readonly ask: "load"; readonly job: Job }
  /** Results into a file, f32, one tensor after the other. Changes what is loaded: load again before timing. */
  | { readonly ask: "check"; readonly into: string }
  /** `times` measurements, each of `count` runs in a row. */
  | { readonly ask: "run"; readonly count: number; readonly times: number };

/** What a request is answered with. */
export interface Answers {
  load: {
    /** Ours only. */
    readonly isa?: string;
    /** What a reader should know, such as which of its forms the engine chose. */
    readonly note?: string;
    /** Milliseconds that a measurement takes at least, however few runs are asked for; 0 unless given. */
    readonly shortest?: number;
  };
  check: {
    readonly tensors: readonly { readonly name: string; readonly length: number }[];
    /** Of "peak" only, which has no results: the floating-point operations of a run. */
    readonly operations?: number;
  };
  /** Milliseconds a run, one for each of the `times`. */
  run: readonly number[];
}

export type Reply<Ask extends keyof Answers = keyof Answers> =
  | { readonly ok: true; readonly value: Answers[Ask] }
  | { readonly ok: false; readonly error: string };

/** Training is checked by the losses of this many steps, each on a batch of its own. */
export const CHECKED_STEPS = 4;

/**
 * What `check` compares, by operation.
 * - inference: `probabilities` [batch, classes]
 * - forward and backward: `loss` [1] and each parameter's gradient by its name
 * - training step, private step: `losses` [CHECKED_STEPS]
 * - streaming step: `probabilities` [CHECKED_STEPS, classes], of the first steps of a stream; the data's single steps in turn
 */
export const TRAINING = { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, clipNorm: 1 } as const;
