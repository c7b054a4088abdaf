// What the facade and its training worker say to each other. Data only: both sides import this and nothing else of each
// other.

import type { ErrorData } from "../errors.js";
import type { TrainingProgress } from "../generated/core.js";
import type { TrainingJob } from "./backend.js";

/** To the worker, one at a time: each is answered before the next is posted. */
export type Request =
  | { readonly kind: "open"; readonly module: WebAssembly.Module; readonly job: TrainingJob }
  | { readonly kind: "advance"; readonly batches: number }
  | { readonly kind: "weights" };

/** What each request is answered with when all went well. */
export interface Answers {
  open: undefined;
  advance: TrainingProgress;
  weights: Float32Array;
}

/** From the worker. */
export type Reply =
  | { readonly ok: true; readonly value: Answers[keyof Answers] }
  | { readonly ok: false; readonly error: ErrorData };

/** The memory of a job's arrays: what moves with it instead of being copied. */
export function buffersOf({ weights, training, validation }: TrainingJob): ArrayBuffer[] {
  const data = [training, validation].flatMap((set) =>
    set ? [set.x, set.tokens, set.statics, set.lengths, set.classes, set.numbers, set.weights] : [],
  );
  // Shared memory was refused when the data came in.
  return [weights, ...data].flatMap((array) => (array ? [array.buffer as ArrayBuffer] : []));
}
