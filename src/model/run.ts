// A batch through a model at once, from the caller's arrays into the caller's array. Allocates none.

import { assertApart, assertFloats, assertUnshared, kindOf } from "../data/buffers.js";
import { NUMBERS, STATICS, TOKENS, assertOne } from "../data/inputs.js";
import type { Expected } from "../data/sequences.js";
import { GatewiseError } from "../errors.js";
import type { ModelCore, RunArrays } from "./core.js";
import { type States, statesToRead } from "./states.js";

/** What `Model.run` reads of n sequences: what the model's `input` says, and nothing else. */
export interface RunInputs {
  /** [n, steps, features] */
  readonly x?: Float32Array | undefined;
  /** [n, steps] */
  readonly tokens?: Uint32Array | undefined;
  /** [n, statics] */
  readonly statics?: Float32Array | undefined;
  /** [n] How many steps of each sequence count; all of them unless given. */
  readonly lengths?: Uint32Array | undefined;
  /** What the n sequences begin from, and then have come to; from where sequences begin unless given. */
  readonly states?: States | undefined;
}

/** The arrays of `run`'s first form, or of its second: `x` alone, and perhaps `lengths`. */
export function runArrays(inputs: RunInputs | Float32Array, lengths: Uint32Array | undefined): RunArrays {
  if (isRunInputs(inputs)) {
    const { x, tokens, statics, states } = inputs;
    return { x, tokens, statics, lengths: inputs.lengths, states: statesToRead(states) };
  }
  assertFloats(inputs, "x");
  return { x: inputs, tokens: undefined, statics: undefined, lengths, states: undefined };
}

/** Runs the core, once the arrays are what the model reads and none overlaps `y`, which receives the numbers. */
export function runInto(y: Float32Array, arrays: RunArrays, core: ModelCore, { input }: Expected): void {
  const { x, tokens, statics, lengths, states } = arrays;
  assertOne(x, input.features, "x", NUMBERS);
  assertOne(tokens, input.tokens, "tokens", TOKENS);
  assertOne(statics, input.statics, "statics", STATICS);
  assertFloats(y, "y");
  if (x !== undefined) assertFloatsApartFrom(y, x, "x");
  if (tokens !== undefined) assertIndicesApartFrom(y, tokens, "tokens");
  if (statics !== undefined) assertFloatsApartFrom(y, statics, "statics");
  if (lengths !== undefined) assertIndicesApartFrom(y, lengths, "lengths");
  if (states !== undefined) assertFloatsApartFrom(y, states, "states");
  core.run(arrays, y);
}

function isRunInputs(inputs: RunInputs | Float32Array): inputs is RunInputs {
  return typeof inputs === "object" && inputs !== null && !ArrayBuffer.isView(inputs) && !Array.isArray(inputs);
}

function assertFloatsApartFrom(y: Float32Array, array: unknown, path: string): void {
  assertFloats(array, path);
  assertApart(y, "y", array, path);
}

function assertIndicesApartFrom(y: Float32Array, array: ArrayBufferView, path: string): void {
  if (kindOf(array) !== "Uint32Array") {
    throw new GatewiseError("invalid_option", path, `${path} must be a Uint32Array, not ${kindOf(array)}`);
  }
  assertUnshared(array, path);
  assertApart(y, "y", array, path);
}
