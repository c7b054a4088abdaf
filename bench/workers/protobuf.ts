// Protocol buffers, as far as an ONNX file needs them: https://protobuf.dev/programming-guides/encoding/

/** One field of a message, encoded. */
export type Field = Uint8Array;

/** A message out of its fields; itself a value for `bytes`. */
export function message(...fields: readonly (Field | readonly Field[])[]): Uint8Array {
  return Buffer.concat(fields.flat() as Field[]);
}

/** A whole number from 0: bool, enum, int64. */
export function integer(field: number, value: number): Field {
  return message([varint(field << 3), varint(value)]);
}

/** Text, bytes, a message, or packed numbers. */
export function bytes(field: number, value: string | Uint8Array): Field {
  const content = typeof value === "string" ? Buffer.from(value) : value;
  return message([varint((field << 3) | 2), varint(content.length), content]);
}

/** Seven bits a byte, the lowest first; the top bit says that more follow. */
function varint(value: number): Uint8Array {
  const result: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.from([...result, rest]);
    result.push((rest % 128) | 128);
  }
}
