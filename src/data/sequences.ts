// From what users hand in to what the core takes. Checks what only JavaScript can know (types, shapes, memory, names of
// classes); what the numbers say (NaN, lengths beyond the steps, an index that is no class) is the core's to judge.

import type { LabelledSequences } from "../backend/backend.js";
import { GatewiseError } from "../errors.js";
import { assertApart, assertFloats, assertUnshared, kindOf } from "./buffers.js";
import type { LabelledData, Lengths, Sequences } from "./types.js";

/** Sequences as the core takes them. */
export type PreparedSequences = Omit<LabelledSequences, "targets"> & {
  readonly n: number;
  readonly features: number;
};

/** What data is checked against. */
export interface Expected {
  readonly features: number;
  readonly classes: readonly string[];
}

const INTEGERS = new Set(["Uint8Array", "Uint16Array", "Uint32Array", "Int8Array", "Int16Array", "Int32Array"]);

/** Checks and translates sequences. `at` is where they stand among the arguments: `"validation."` or nothing. */
export function prepareSequences(data: Sequences, expected: Expected, at = ""): PreparedSequences {
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

/** Checks and translates sequences with the class of each. */
export function prepareLabelled(
  data: LabelledData,
  expected: Expected,
  at = "",
): PreparedSequences & { readonly targets: Uint32Array } {
  const sequences = prepareSequences(data, expected, at);
  const targets = prepareTargets(data.targets, sequences.n, expected.classes, `${at}targets`);
  if (ArrayBuffer.isView(data.targets)) assertApart(data.targets, `${at}targets`, data.x, `${at}x`);
  return { ...sequences, targets };
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
    return new GatewiseError("invalid_length", `${path}[${index}]`, message);
  });
  if (array.length !== n) {
    const message = `there are ${array.length} lengths for ${n} samples: give one for each`;
    throw new GatewiseError("shape_mismatch", path, message);
  }
  return array;
}

function prepareTargets(targets: unknown, n: number, classes: readonly string[], path: string): Uint32Array {
  const array = Array.isArray(targets)
    ? indicesOf(targets, classes, path)
    : wholeNumbers(targets, path, (index, value) => unknownClass(String(value), index, classes, path));
  if (array.length !== n) {
    const message = `there are ${array.length} targets for ${n} samples: give one for each`;
    throw new GatewiseError("shape_mismatch", path, message);
  }
  return array;
}

function indicesOf(labels: readonly unknown[], classes: readonly string[], path: string): Uint32Array {
  const indices = new Map<unknown, number>(classes.map((name, index) => [name, index]));
  const array = new Uint32Array(labels.length);
  for (let position = 0; position < labels.length; position++) {
    const label = labels[position];
    const index = indices.get(label);
    if (index === undefined) {
      const shown = typeof label === "string" ? JSON.stringify(label) : String(label);
      throw unknownClass(shown, position, classes, path);
    }
    array[position] = index;
  }
  return array;
}

function unknownClass(shown: string, index: number, classes: readonly string[], path: string): GatewiseError {
  const some = classes.slice(0, 10).map((name) => JSON.stringify(name));
  const known = classes.length > 10 ? `${some.join(", ")} and ${classes.length - 10} more` : some.join(", ");
  const message = `${shown} is not a class: the classes are ${known} (or their indices in an integer typed array)`;
  return new GatewiseError("unknown_class", `${path}[${index}]`, message);
}

/** As a Uint32Array; `refuse` makes the error for what no Uint32Array can hold. */
function wholeNumbers(
  values: unknown,
  path: string,
  refuse: (index: number, value: unknown) => GatewiseError,
): Uint32Array {
  const kind = kindOf(values);
  if (!Array.isArray(values) && !INTEGERS.has(kind)) {
    throw new GatewiseError("invalid_option", path, `${path} must be an array or an integer typed array, not ${kind}`);
  }
  if (ArrayBuffer.isView(values)) assertUnshared(values, path);
  if (kind === "Uint32Array") return values as Uint32Array;
  const numbers = values as ArrayLike<unknown>;
  const array = new Uint32Array(numbers.length);
  for (let index = 0; index < numbers.length; index++) {
    const value = numbers[index];
    array[index] = value as number;
    // Also refuses what is no number at all.
    if (array[index] !== value) throw refuse(index, value);
  }
  return array;
}
