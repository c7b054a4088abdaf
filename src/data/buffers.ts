// Memory behind typed arrays: which kind it is, and whether two arrays meet in it. Knows nothing of what they mean.

import { GatewiseError } from "../errors.js";

/** Typed arrays by the name of their kind: unlike `instanceof`, that holds across realms (iframes, vm contexts). */
export function kindOf(value: unknown): string {
  if (ArrayBuffer.isView(value)) return String((value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] ?? "DataView");
  if (value === null || value === undefined) return String(value);
  return Array.isArray(value) ? "an array" : typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** Throws unless `value` is a Float32Array in memory of this thread alone. */
export function assertFloats(value: unknown, path: string): asserts value is Float32Array {
  const kind = kindOf(value);
  if (kind !== "Float32Array") throw new GatewiseError("invalid_option", path, `${path} must be a Float32Array, not ${kind}`);
  assertUnshared(value as Float32Array, path);
}

/** Throws if another thread could change `array` under a call. */
export function assertUnshared(array: ArrayBufferView, path: string): void {
  if (typeof SharedArrayBuffer === "undefined" || !(array.buffer instanceof SharedArrayBuffer)) return;
  throw new GatewiseError("shared_buffer", path, `${path} lies in shared memory, which may change meanwhile: copy it first`);
}

/** Throws if `array` and `other` have a byte in common. */
export function assertApart(array: ArrayBufferView, path: string, other: ArrayBufferView, otherPath: string): void {
  if (array.buffer !== other.buffer) return;
  const [end, otherEnd] = [array.byteOffset + array.byteLength, other.byteOffset + other.byteLength];
  if (array.byteOffset >= otherEnd || other.byteOffset >= end) return;
  throw new GatewiseError("shared_buffer", path, `${path} and ${otherPath} overlap in memory: give each its own`);
}

/** Throws if two of these, what is no typed array aside, have a byte in common. `at` is where they stand: `"validation."` or nothing. */
export function assertAllApart(arrays: Readonly<Record<string, unknown>>, at: string): void {
  const views = Object.entries(arrays).filter((entry): entry is [string, ArrayBufferView] => ArrayBuffer.isView(entry[1]));
  for (const [index, [name, array]] of views.entries()) {
    for (const [other, otherArray] of views.slice(index + 1)) assertApart(array, `${at}${name}`, otherArray, `${at}${other}`);
  }
}
