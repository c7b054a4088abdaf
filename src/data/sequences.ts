// From what users hand in to what the core takes. Checks what only JavaScript can know (types, shapes, memory); what the
// numbers say (NaN, lengths beyond the steps) is the core's to judge.

import type { CoreTargets, LabelledSequences } from "../backend/backend.js";
import { GatewiseError } from "../errors.js";
import type * as core from "../generated/core.js";
import { assertApart, assertFloats, kindOf } from "./buffers.js";
import { type GivenTargets, prepareTargets } from "./targets.js";
import type { Lengths, Sequences } from "./types.js";
import { wholeNumbers } from "./whole-numbers.js";

/** Sequences as the core takes them. */
export type PreparedSequences = Omit<LabelledSequences, keyof CoreTargets> & {
  readonly n: number;
  readonly features: number;
};

/** What data is checked against. */
export interface Expected {
  readonly features: number;
  readonly output: core.OutputDefinition;
}

/** Checks and translates sequences. `at` is where they stand among the arguments: `"validation."` or nothing. */
export function prepareSequences(data: Sequences, expected: Pick<Expected, "features">, at = ""): PreparedSequences {
  assertObject(data, at);
  const [n, steps, features] = checkShape(data.shape, `${at}shape`);
  assertFloats(data.x, `${at}x`);
  if (features !== expected.features) {
    const message = `x has ${features} features a step, the model expects ${expected.features}`;
    // The definition's field: that is where the expected number stands, and which of the two is wrong only users know.
    throw new GatewiseError("shape_mismatch", `${at}input.features`, message);
  }
  if (data.x.length !== n * steps * features) {
    const message = `x holds ${data.x.length} numbers, its shape [${n}, ${steps}, ${features}] says ${n * steps * features}`;
    throw new GatewiseError("shape_mismatch", `${at}shape`, message);
  }
  if (data.x.length === 0) throw new GatewiseError("empty_data", `${at}x`, "there is no sample: give at least one");
  const lengths = data.lengths === undefined ? undefined : prepareLengths(data.lengths, n, steps, `${at}lengths`);
  if (ArrayBuffer.isView(data.lengths)) assertApart(data.lengths, `${at}lengths`, data.x, `${at}x`);
  return { x: data.x, n, steps, features, lengths };
}

/** Checks and translates sequences with their targets. */
export function prepareLabelled(
  data: Sequences & GivenTargets,
  expected: Expected,
  at = "",
): PreparedSequences & CoreTargets {
  const sequences = prepareSequences(data, expected, at);
  return { ...sequences, ...prepareTargets(data, sequences, expected.output, at) };
}

function assertObject(data: unknown, at: string): void {
  if (typeof data === "object" && data !== null && !Array.isArray(data)) return;
  const path = at === "" ? "data" : at.slice(0, -1);
  throw new GatewiseError("invalid_option", path, `${path} must be an object with x and shape, not ${kindOf(data)}`);
}

function checkShape(shape: unknown, path: string): readonly [number, number, number] {
  const sizes: readonly unknown[] = Array.isArray(shape) ? shape : [];
  const [n, steps, features] = sizes;
  if (sizes.length !== 3 || !isSize(n) || !isSize(steps) || !isSize(features)) {
    const found = Array.isArray(shape) ? `[${sizes.join(", ")}]` : kindOf(shape);
    const message = `the shape of x must be [samples, steps, features], three whole numbers, not ${found}`;
    throw new GatewiseError("shape_mismatch", path, message);
  }
  return [n, steps, features];
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function prepareLengths(lengths: Lengths, n: number, steps: number, path: string): Uint32Array {
  const array = wholeNumbers(lengths, path, (index, value) => {
    const message = `length ${value} is not a whole number from 1 to the ${steps} steps of x`;
    throw new GatewiseError("invalid_length", `${path}[${index}]`, message);
  });
  if (array.length !== n) {
    const message = `there are ${array.length} lengths for ${n} samples: give one for each`;
    throw new GatewiseError("shape_mismatch", path, message);
  }
  return array;
}
