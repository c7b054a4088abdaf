// Reading what the driver wrote for its workers: numbers in files, weights in a safetensors file.

import { readFileSync } from "node:fs";

import type { DataFiles } from "./protocol.js";

export interface Data {
  /** Empty where a step is a token. */
  readonly x: Float32Array;
  readonly tokens: Uint32Array | undefined;
  readonly statics: Float32Array | undefined;
  readonly targets: Uint32Array;
  readonly lengths: Uint32Array | undefined;
}

export function readData(files: DataFiles): Data {
  return {
    x: files.x === null ? new Float32Array() : new Float32Array(bytesOf(files.x)),
    tokens: files.tokens === null ? undefined : new Uint32Array(bytesOf(files.tokens)),
    statics: files.statics === null ? undefined : new Float32Array(bytesOf(files.statics)),
    targets: new Uint32Array(bytesOf(files.targets)),
    lengths: files.lengths === null ? undefined : new Uint32Array(bytesOf(files.lengths)),
  };
}

export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Every tensor of a safetensors file of f32: 8 bytes of the header's length, the header as JSON, the numbers. */
export function readTensors(path: string): Map<string, Tensor> {
  const bytes = bytesOf(path);
  const begin = 8 + Number(new DataView(bytes).getBigUint64(0, true));
  const header = JSON.parse(Buffer.from(bytes, 8, begin - 8).toString()) as Record<string, { shape: number[]; data_offsets: [number, number] }>;
  const tensors = Object.entries(header).filter(([name]) => name !== "__metadata__");
  return new Map(
    tensors.map(([name, { shape, data_offsets: [from, to] }]) => [name, { shape, data: new Float32Array(bytes.slice(begin + from, begin + to)) }]),
  );
}

function bytesOf(path: string): ArrayBuffer {
  // A copy of its own: small files share a buffer, at offsets that need not suit 32-bit numbers.
  return new Uint8Array(readFileSync(path)).buffer;
}
