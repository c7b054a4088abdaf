// Lists and typed arrays of whole numbers as the core takes them. Knows nothing of what they mean.

import { GatewiseError } from "../errors.js";
import { assertUnshared, kindOf } from "./buffers.js";

const INTEGERS = new Set(["Uint8Array", "Uint16Array", "Uint32Array", "Int8Array", "Int16Array", "Int32Array"]);

/** As a Uint32Array. `instead` gives what stands for a value that no Uint32Array can hold, or throws. */
export function wholeNumbers(
  values: unknown,
  path: string,
  instead: (index: number, value: unknown) => number,
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
    // Also true of what is no number at all.
    if (array[index] !== value) array[index] = instead(index, value);
  }
  return array;
}
