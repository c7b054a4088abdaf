// NumPy's scalars in a pickle: `scalar(dtype("f8", False, True), b"…")` becomes a number.

import { type Call, NumpyType, type Operand, isTuple } from "./operands.js";

type Read = (view: DataView) => number | bigint | boolean;

const integer = (value: bigint): number | bigint => (Number.isSafeInteger(Number(value)) ? Number(value) : value);

const READS: ReadonlyMap<string, Read> = new Map<string, Read>(Object.entries<Read>({
  f8: (view) => view.getFloat64(0, true),
  f4: (view) => view.getFloat32(0, true),
  i8: (view) => integer(view.getBigInt64(0, true)),
  u8: (view) => integer(view.getBigUint64(0, true)),
  i4: (view) => view.getInt32(0, true),
  u4: (view) => view.getUint32(0, true),
  i2: (view) => view.getInt16(0, true),
  u2: (view) => view.getUint16(0, true),
  i1: (view) => view.getInt8(0),
  u1: (view) => view.getUint8(0),
  b1: (view) => view.getUint8(0) !== 0,
}));

/** `numpy.dtype("f8", align, copy)` */
export const numpyType: Call = ([code, ...rest]) =>
  typeof code === "string" && READS.has(code) && rest.length === 2 ? new NumpyType(code) : undefined;

/** Whether the state of a dtype, `(version, byte order, …)`, is that of single numbers with their lowest byte first. */
export function isPlainNumpyState(state: Operand): boolean {
  return isTuple(state) && (state[1] === "<" || state[1] === "|") && state.slice(2, 5).every((part) => part === null);
}

/** `numpy.core.multiarray.scalar(dtype, bytes)` */
export const numpyScalar: Call = ([type, bytes, ...rest]) => {
  if (!(type instanceof NumpyType) || !(bytes instanceof Uint8Array) || rest.length > 0) return undefined;
  if (bytes.length !== Number(type.code.slice(1))) return undefined;
  return READS.get(type.code)?.(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
};
