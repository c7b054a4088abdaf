// Numbers as files keep them, little-endian, and as the library holds them: each rounded to the nearest f32. Knows no file format.

import type { TensorType } from "./tensors.js";

/** Bytes of one number. */
export const BYTES: Readonly<Record<TensorType, number>> = {
  f64: 8,
  f32: 4,
  f16: 2,
  bf16: 2,
  i64: 8,
  i32: 4,
  i16: 2,
  i8: 1,
  u64: 8,
  u32: 4,
  u16: 2,
  u8: 1,
  bool: 1,
};

/** The numbers in `bytes`, whose length is a multiple of the type's. The array may lie in the memory of `bytes`. */
export function decodeNumbers(bytes: Uint8Array<ArrayBuffer>, type: TensorType): Float32Array {
  const { buffer, byteOffset } = aligned(bytes, BYTES[type]);
  const length = bytes.length / BYTES[type];
  switch (type) {
    case "f32":
      return new Float32Array(buffer, byteOffset, length);
    case "f64":
      return Float32Array.from(new Float64Array(buffer, byteOffset, length));
    case "f16":
      return fromHalves(new Uint16Array(buffer, byteOffset, length));
    case "bf16":
      return fromBrains(new Uint16Array(buffer, byteOffset, length));
    case "i64":
      return Float32Array.from(new BigInt64Array(buffer, byteOffset, length), nearest);
    case "u64":
      return Float32Array.from(new BigUint64Array(buffer, byteOffset, length), nearest);
    case "i32":
      return Float32Array.from(new Int32Array(buffer, byteOffset, length));
    case "u32":
      return Float32Array.from(new Uint32Array(buffer, byteOffset, length));
    case "i16":
      return Float32Array.from(new Int16Array(buffer, byteOffset, length));
    case "u16":
      return Float32Array.from(new Uint16Array(buffer, byteOffset, length));
    case "i8":
      return Float32Array.from(new Int8Array(buffer, byteOffset, length));
    case "u8":
      return Float32Array.from(new Uint8Array(buffer, byteOffset, length));
    case "bool":
      return Float32Array.from(new Uint8Array(buffer, byteOffset, length), (value) => (value === 0 ? 0 : 1));
  }
}

/** Typed arrays begin at multiples of their numbers' size. */
function aligned(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
  return bytes.byteOffset % size === 0 ? bytes : bytes.slice();
}

/** A bf16 is the upper half of an f32. */
function fromBrains(brains: Uint16Array): Float32Array {
  const bits = Uint32Array.from(brains, (brain) => (brain << 16) >>> 0);
  return new Float32Array(bits.buffer);
}

/** IEEE 754 binary16: a sign, 5 bits of exponent biased by 15, 10 of the fraction. */
function fromHalves(halves: Uint16Array): Float32Array {
  const bits = Uint32Array.from(halves, (half) => {
    const sign = (half & 0x8000) << 16;
    const [exponent, fraction] = [(half >> 10) & 31, half & 1023];
    if (exponent === 31) return (sign | 0x7f80_0000 | (fraction << 13)) >>> 0;
    if (exponent > 0) return (sign | ((exponent + 112) << 23) | (fraction << 13)) >>> 0;
    if (fraction === 0) return sign >>> 0;
    // Below the smallest normal f16, fraction · 2⁻²⁴: a normal f32 whose highest bit is implied.
    const shift = Math.clz32(fraction) - 21;
    return (sign | ((113 - shift) << 23) | (((fraction << shift) & 1023) << 13)) >>> 0;
  });
  return new Float32Array(bits.buffer);
}

/** Beyond 2⁵³ rounding to f64 first could go past a half: the bits that are cut off are kept as one that is odd (Boldo and Melquiond 2008). */
function nearest(value: bigint): number {
  if (value >= -(1n << 53n) && value <= 1n << 53n) return Number(value);
  const sticky = (value & 2047n) === 0n ? 0n : 1n;
  return Math.fround(Number((value >> 11n) | sticky)) * 2048;
}
