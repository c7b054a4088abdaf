// Many sequences through a model on the calling thread, cut into slices between which the event loop has its turn.

import type { CoreTargets } from "../backend/backend.js";
import type { PreparedSequences } from "../data/sequences.js";
import { GatewiseError } from "../errors.js";
import { Pace, nextTurn } from "../event-loop.js";
import type { ModelDescription } from "../generated/core.js";
import type { ModelCore, RunArrays } from "./core.js";

/**
 * Floating-point operations in the first slice, one sequence at least: 20 to 40 ms for the slowest kernels (WebAssembly's, some
 * 25 GFLOP/s), and enough for most requests to be one slice, whose rows fill the kernels' tiles.
 */
const FIRST_SLICE = 5e8;
/** What a step takes beside the products (copies, gates, loops), as the number of parameters whose products take as long. */
const STEP_OVERHEAD = 1000;

/** Sequences `start` to `end`, without `end`, and what the model predicts for them. */
export interface Slice {
  readonly start: number;
  readonly end: number;
  /** [end - start, `size`] */
  readonly predictions: Float32Array;
  /** [end - start] */
  readonly lengths: Uint32Array;
}

/**
 * Runs `data` through the weights that are committed now, slice by slice, and hands each to `take`.
 *
 * @param size numbers of one sequence's predictions
 * @param states [n, S] to begin from; when all is done, those that the sequences have come to. Unchanged after an error
 */
export async function readInSlices(
  core: ModelCore,
  data: PreparedSequences,
  size: number,
  states: Float32Array | undefined,
  take: (slice: Slice) => void,
): Promise<void> {
  const { x, tokens, statics, n, steps, features } = data;
  const carried = states?.slice();
  const stateSize = (carried?.length ?? 0) / n;
  const lengths = data.lengths ?? new Uint32Array(n).fill(steps);
  const row = steps * features;
  const wholes = (statics?.length ?? 0) / n;
  // A multiplication and an addition a parameter and step.
  const operations = 2 * (multipliedParameters(core.description) + STEP_OVERHEAD) * steps;
  const pace = new Pace(Math.max(1, Math.round(FIRST_SLICE / operations)));
  await core.readLong(async (run) => {
    for (let start = 0; start < n; ) {
      if (start > 0) await nextTurn();
      const end = Math.min(start + pace.amount, n);
      const began = performance.now();
      const predictions = new Float32Array((end - start) * size);
      const slice = { start, end, predictions, lengths: lengths.subarray(start, end) };
      try {
        const arrays: RunArrays = {
          x: x?.subarray(start * row, end * row),
          tokens: tokens?.subarray(start * steps, end * steps),
          statics: statics?.subarray(start * wholes, end * wholes),
          lengths: slice.lengths,
          states: carried?.subarray(start * stateSize, end * stateSize),
        };
        run(arrays, predictions);
        take(slice);
      } catch (error) {
        throw seenFromTheWhole(error, start);
      }
      pace.observe(end - start, performance.now() - began);
      start = end;
    }
  });
  if (carried) states?.set(carried);
}

/** Numbers that a step multiplies with: all but the embeddings, of which it copies one, unless the output multiplies with them. */
function multipliedParameters({ tensors, parameters, definition }: ModelDescription): number {
  const embeddings = tensors.find(({ name }) => name === "embedding.weight")?.length ?? 0;
  return definition.output.tied === true ? parameters : parameters - embeddings;
}

/** The targets of sequences `start` to `end` out of those of `n`. */
export function sliceOfTargets(targets: CoreTargets, n: number, start: number, end: number): CoreTargets {
  const cut = <T extends Float32Array | Uint32Array>(array: T | undefined): T | undefined => {
    const each = (array?.length ?? 0) / n;
    return array?.subarray(start * each, end * each) as T | undefined;
  };
  return { classes: cut(targets.classes), numbers: cut(targets.numbers), weights: cut(targets.weights) };
}

/** An error of targets or weights in a slice, with its place counted from the beginning of the data. */
export function targetsSeenFromTheWhole(error: unknown, targets: CoreTargets, n: number, start: number): unknown {
  if (!(error instanceof GatewiseError) || start === 0) return error;
  const [, name, index] = /^(targets|weights)\[(\d+)\]$/.exec(error.path) ?? [];
  const array = name === "weights" ? targets.weights : (targets.classes ?? targets.numbers);
  if (index === undefined || !array) return error;
  return new GatewiseError(error.code, `${name}[${Number(index) + (start * array.length) / n}]`, error.message);
}

/** An error of a slice, with the sequence that its path and its sentence name counted from the beginning of the data. */
function seenFromTheWhole(error: unknown, start: number): unknown {
  if (!(error instanceof GatewiseError)) return error;
  const [, name, index, rest] = /^(x|tokens|statics|lengths)\[(\d+)\](.*)$/.exec(error.path) ?? [];
  if (index === undefined || start === 0) return error;
  const sequence = Number(index) + start;
  const message = error.message.replace(`sequence ${index} `, `sequence ${sequence} `);
  return new GatewiseError(error.code, `${name}[${sequence}]${rest}`, message);
}
