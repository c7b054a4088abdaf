// Numbers as tensors of files have them, lowest byte first, as f32 and back. Typed arrays of this machine are little-endian:
// so is every machine that the core is built for.

import type { TensorType } from "./tensors.js";

/** Bytes of one number. */
export const BYTES: Readonly<Record<TensorType, number>> = {
  f64: 8, f32: 4, f16: 2, bf16: 2, i64: 8, i32: 4, i16: 2, i8: 1, u64: 8, u32: 4, u16: 2, u8: 1, bool: 1,
};

type Decode = (bytes: ArrayBuffer) => Float32Array;

const DECODES: Readonly<Record<TensorType, Decode>> = {
  f64: (bytes) => Float32Array.from(new Float64Array(bytes)),
  f32: (bytes) => new Float32Array(bytes),
  f16: (bytes) => fromBits(new Uint16Array(bytes), halfBits),
  bf16: (bytes) => fromBits(new Uint16Array(bytes), (bits) => bits << 16),
  i64: (bytes) => fromBigints(new BigInt64Array(bytes)),
  i32: (bytes) => Float32Array.from(new Int32Array(bytes)),
  i16: (bytes) => Float32Array.from(new Int16Array(bytes)),
  i8: (bytes) => Float32Array.from(new Int8Array(bytes)),
  u64: (bytes) => fromBigints(new BigUint64Array(bytes)),
  u32: (bytes) => Float32Array.from(new Uint32Array(bytes)),
  u16: (bytes) => Float32Array.from(new Uint16Array(bytes)),
  u8: (bytes) => Float32Array.from(new Uint8Array(bytes)),
  bool: (bytes) => Float32Array.from(new Uint8Array(bytes), (byte) => (byte === 0 ? 0 : 1)),
};

/** The numbers of `type` in `bytes`, which they may become a view of, each rounded to the nearest f32. */
export function decode(type: TensorType, bytes: Uint8Array<ArrayBuffer>): Float32Array {
  const alone = bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength;
  return DECODES[type](alone ? bytes.buffer : bytes.slice().buffer);
}

function fromBits(numbers: Uint16Array, widened: (bits: number) => number): Float32Array {
  const bits = new Int32Array(numbers.length);
  for (let index = 0; index < bits.length; index++) bits[index] = widened(numbers[index] as number);
  return new Float32Array(bits.buffer);
}

/** The f32 of the same number as a binary16: exact, subnormal numbers too. */
function halfBits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 31;
  const fraction = half & 0x3ff;
  if (exponent === 31) return sign | 0x7f800000 | (fraction << 13);
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // A subnormal number is fraction · 2⁻²⁴: shifted until its highest bit is the implicit one.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}

/** Beyond 2⁵³ f64 rounds too, and twice is not once: there the lowest bits become one that says whether any was set. */
function fromBigints(numbers: BigInt64Array | BigUint64Array): Float32Array {
  const exact = BigInt(Number.MAX_SAFE_INTEGER);
  const values = new Float32Array(numbers.length);
  for (let index = 0; index < values.length; index++) {
    const number = numbers[index] as bigint;
    const large = number > exact || number < -exact;
    const lowest = number & 0xfffn;
    values[index] = Number(large && lowest !== 0n ? number - lowest + 0x800n : number);
  }
  return values;
}
