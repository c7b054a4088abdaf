// Typed arrays as the numbers of a storage: as they are, or an f32 array as f64, f16 or bf16, each rounded to the nearest.

import { BYTES } from "../../numbers.js";

/** What a storage of torch.save can be of. */
export type WrittenType = "f64" | "f32" | "f16" | "bf16" | "i64" | "i32" | "i16" | "i8" | "u8" | "bool";

/** What the numbers of a tensor come in. */
export type TensorData = Float32Array | Float64Array | BigInt64Array | Int32Array | Int16Array | Int8Array | Uint8Array;

/** The types that each array can become, its own first. */
const TYPES: ReadonlyMap<string, readonly WrittenType[]> = new Map<string, readonly WrittenType[]>([
  ["Float32Array", ["f32", "f64", "f16", "bf16"]],
  ["Float64Array", ["f64"]],
  ["BigInt64Array", ["i64"]],
  ["Int32Array", ["i32"]],
  ["Int16Array", ["i16"]],
  ["Int8Array", ["i8"]],
  ["Uint8Array", ["u8", "bool"]],
]);

/** Node's `Buffer` too is an array of bytes. */
function nameOf(data: TensorData): string {
  return data instanceof Uint8Array ? "Uint8Array" : Object.prototype.toString.call(data).slice(8, -1);
}

/** The types that `data` can be written as, its own first; none where it is no such array. */
export function typesOf(data: TensorData): readonly WrittenType[] {
  return (ArrayBuffer.isView(data) && TYPES.get(nameOf(data))) || [];
}

/** Writes numbers into `target`, which begins at a multiple of 64 and has room for exactly them. */
export function writeNumbers(data: TensorData, type: WrittenType, target: Uint8Array<ArrayBuffer>): void {
  const { buffer, byteOffset } = target;
  if (type === "bool") target.set((data as Uint8Array).map((byte) => (byte === 0 ? 0 : 1)));
  else if (!(data instanceof Float32Array) || type === "f32") target.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  else if (type === "f64") new Float64Array(buffer, byteOffset, data.length).set(data);
  else writeShort(data, new Uint16Array(buffer, byteOffset, data.length), type === "f16" ? toHalf : toBrain);
}

/** Bytes of `count` numbers. */
export function bytesOf(type: WrittenType, count: number): number {
  return BYTES[type] * count;
}

/** From the bits of each f32. */
function writeShort(data: Float32Array, target: Uint16Array, rounded: (bits: number) => number): void {
  const one = new Float32Array(1);
  const bits = new Int32Array(one.buffer);
  for (let index = 0; index < data.length; index++) {
    one[0] = data[index] as number;
    target[index] = rounded(bits[0] as number);
  }
}

/** bfloat16: the upper half of an f32, ties to the even one; NaN stays one. */
function toBrain(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** binary16, ties to even: from 65520 on it is infinite, below 2⁻¹⁴ a multiple of 2⁻²⁴. */
function toHalf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const size = bits & 0x7fffffff;
  if (size > 0x7f800000) return sign | 0x7e00;
  if (size >= 0x477ff000) return sign | 0x7c00;
  if (size >= 0x38800000) return sign | ((size - 0x38000000 + 0xfff + ((size >>> 13) & 1)) >>> 13);
  // Its fraction with the leading one, at 2⁻²⁴ once it is shifted: below half of that it is zero.
  const shift = 126 - (size >>> 23);
  if (shift > 24) return sign;
  const fraction = (size & 0x7fffff) | 0x800000;
  const half = 1 << (shift - 1);
  return sign | ((fraction + half - 1 + ((fraction >>> shift) & 1)) >>> shift);
}
