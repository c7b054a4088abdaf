// What the facade and its training worker say to each other. Data only: both sides import this and nothing else of each
// other.

import type { ErrorData } from "../errors.js";
import type { TrainingProgress } from "../generated/core.js";
import { type LabelledSequences, type OptimizerRecord, type TrainingJob, comesInChunks } from "./backend.js";

/** To the worker, one at a time: each is answered before the next is posted. */
export type Request =
  | { readonly kind: "open"; readonly module: WebAssembly.Module; readonly job: TrainingJob }
  | { readonly kind: "chunk"; readonly chunk: number; readonly data: LabelledSequences }
  | { readonly kind: "advance"; readonly batches: number }
  | { readonly kind: "weights" }
  | { readonly kind: "best" }
  | { readonly kind: "optimizer" }
  | { readonly kind: "checkpoint" };

/** What each request is answered with when all went well. */
export interface Answers {
  open: TrainingProgress;
  chunk: undefined;
  advance: TrainingProgress;
  weights: Float32Array;
  best: Float32Array;
  optimizer: OptimizerRecord;
  checkpoint: Uint8Array;
}

/** From the worker. */
export type Reply =
  | { readonly ok: true; readonly value: Answers[keyof Answers] }
  | { readonly ok: false; readonly error: ErrorData };

/** The memory of a job's arrays: what moves with it instead of being copied. */
export function buffersOf({ weights, training, validation, optimizer, checkpoint }: TrainingJob): ArrayBuffer[] {
  const sets = [comesInChunks(training) ? undefined : training, validation];
  const own = [weights, optimizer?.numbers, checkpoint].flatMap((array) => (array ? [array.buffer as ArrayBuffer] : []));
  return [...own, ...sets.flatMap((set) => (set ? buffersOfData(set) : []))];
}

/** The memory of an answer's array. */
export function buffersOfAnswer(value: Answers[keyof Answers]): ArrayBufferLike[] {
  if (ArrayBuffer.isView(value)) return [value.buffer];
  return value && "numbers" in value ? [value.numbers.buffer] : [];
}

/** The memory of data's arrays. Two of them may share it. */
export function buffersOfData({ x, tokens, statics, lengths, classes, numbers, weights }: LabelledSequences): ArrayBuffer[] {
  // Shared memory was refused when the data came in.
  return [x, tokens, statics, lengths, classes, numbers, weights].flatMap((array) =>
    array ? [array.buffer as ArrayBuffer] : [],
  );
}
