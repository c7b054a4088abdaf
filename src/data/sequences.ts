// From what users hand in to what the core takes. Checks what only JavaScript can know (types, shapes, memory); what the
// numbers say (NaN, lengths beyond the steps) is the core's to judge.

import type { CoreTargets, LabelledSequences } from "../backend/backend.js";
import { GatewiseError } from "../errors.js";
import type * as core from "../generated/core.js";
import { assertAllApart, assertFloats, kindOf } from "./buffers.js";
import { assertRead } from "./inputs.js";
import { type GivenTargets, prepareTargets } from "./targets.js";
import type { Sequences } from "./types.js";
import { wholeNumbers } from "./whole-numbers.js";

/** Sequences as the core takes them. */
export type PreparedSequences = Omit<LabelledSequences, keyof CoreTargets> & {
  readonly n: number;
  /** Numbers a step; 0 where there are none. */
  readonly features: number;
};

/** What data is checked against. */
export interface Expected {
  readonly input: Pick<core.InputDefinition, "features" | "tokens" | "statics">;
  readonly output: core.OutputDefinition;
}

/** Checks and translates sequences. `at` is where they stand among the arguments: `"validation."` or nothing. */
export function prepareSequences(data: Sequences, { input }: Pick<Expected, "input">, at = ""): PreparedSequences {
  assertObject(data, at);
  assertRead(data, input, at);
  const [n, steps, features] = checkShape(data.shape, data.x !== undefined, `${at}shape`);
  const { x, statics } = data;
  if (x !== undefined) checkNumbers(x, [n, steps, features], input.features ?? 0, at);
  if (n * steps === 0) {
    throw new GatewiseError("empty_data", `${at}${x ? "x" : "tokens"}`, "there is no sample: give at least one");
  }
  const lengths = data.lengths === undefined ? undefined : prepareLengths(data.lengths, n, steps, `${at}lengths`);
  const tokens = data.tokens === undefined ? undefined : prepareTokens(data.tokens, { n, steps, lengths }, `${at}tokens`);
  if (statics !== undefined) checkStatics(statics, n, input.statics ?? 0, `${at}statics`);
  assertAllApart({ lengths: data.lengths, statics, x }, at);
  return { x, tokens, statics, n, steps, features, lengths };
}

function checkNumbers(x: unknown, [n, steps, features]: readonly [number, number, number], expected: number, at: string): void {
  assertFloats(x, `${at}x`);
  if (features !== expected) {
    const message = `x has ${features} features a step, the model expects ${expected}`;
    // The definition's field: that is where the expected number stands, and which of the two is wrong only users know.
    throw new GatewiseError("shape_mismatch", `${at}input.features`, message);
  }
  if (x.length !== n * steps * features) {
    const message = `x holds ${x.length} numbers, its shape [${n}, ${steps}, ${features}] says ${n * steps * features}`;
    throw new GatewiseError("shape_mismatch", `${at}shape`, message);
  }
}

function checkStatics(statics: unknown, n: number, expected: number, path: string): void {
  assertFloats(statics, path);
  if (statics.length === n * expected) return;
  const message = `statics holds ${statics.length} numbers, ${n} sequences have ${expected} each: give ${n * expected}`;
  throw new GatewiseError("shape_mismatch", path, message);
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
  throw new GatewiseError("invalid_option", path, `${path} must be an object with shape and x or tokens, not ${kindOf(data)}`);
}

/** n, steps and features; 0 features where there are no numbers, and then the shape may leave them out. */
function checkShape(shape: unknown, hasNumbers: boolean, path: string): readonly [number, number, number] {
  const sizes: readonly unknown[] = Array.isArray(shape) ? shape : [];
  const [n, steps, features = hasNumbers ? undefined : 0] = sizes;
  if (sizes.length > 3 || !isSize(n) || !isSize(steps) || !isSize(features) || (!hasNumbers && features > 0)) {
    const found = Array.isArray(shape) ? `[${sizes.join(", ")}]` : kindOf(shape);
    const wanted = hasNumbers ? "x must be [samples, steps, features], three" : "tokens must be [samples, steps], two";
    throw new GatewiseError("shape_mismatch", path, `the shape of ${wanted} whole numbers, not ${found}`);
  }
  return [n, steps, features];
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function prepareLengths(lengths: unknown, n: number, steps: number, path: string): Uint32Array {
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

/** Whether a whole number is a token is the core's to judge. */
function prepareTokens(
  tokens: unknown,
  { n, steps, lengths }: Pick<PreparedSequences, "n" | "steps" | "lengths">,
  path: string,
): Uint32Array {
  const array = wholeNumbers(tokens, path, (index, value) => {
    const [sample, step] = [Math.floor(index / steps), index % steps];
    if (step >= (lengths?.[sample] ?? steps)) return 0;
    const message = `${value} is no token: they are whole numbers, counted from 0`;
    throw new GatewiseError("unknown_token", `${path}[${sample}][${step}]`, message);
  });
  if (array.length !== n * steps) {
    const message = `there are ${array.length} tokens, ${n} sequences of ${steps} steps have ${n * steps}`;
    throw new GatewiseError("shape_mismatch", path, message);
  }
  return array;
}
