// Reads safetensors files of test vectors, as numbers of float64, which hold those of every type exactly.

import { readFileSync } from "node:fs";

export interface Numbers {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export interface TensorFile {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, Numbers>;
}

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [start: number, end: number];
}

/**
 * https://huggingface.co/docs/safetensors: 8 bytes of the header's length, the header as JSON, the numbers.
 *
 * @param leaveOut types whose tensors are not read
 */
export function readSafetensors(path: string, leaveOut: (dtype: string) => boolean = () => false): TensorFile {
  const bytes = readFileSync(path);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, start)) as Record<string, Entry> & { __metadata__?: Record<string, string> };
  const { __metadata__: metadata = {}, ...entries } = header;
  const read = Object.entries(entries).filter(([, { dtype }]) => !leaveOut(dtype));
  const tensors = read.map(([name, { dtype, shape, data_offsets: [from, to] }]): [string, Numbers] => {
    return [name, { shape, data: numbersOf(bytes.subarray(start + from, start + to), dtype) }];
  });
  return { metadata, tensors: new Map(tensors) };
}

function numbersOf(bytes: Buffer, dtype: string): Float64Array {
  switch (dtype) {
    case "F32":
      return Float64Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(4 * index));
    case "F64":
      return Float64Array.from({ length: bytes.length / 8 }, (_, index) => bytes.readDoubleLE(8 * index));
    case "I32":
      return Float64Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readInt32LE(4 * index));
    case "I64":
      return Float64Array.from({ length: bytes.length / 8 }, (_, index) => Number(bytes.readBigInt64LE(8 * index)));
    default:
      throw new Error(`no test vector is of type ${dtype}`);
  }
}
