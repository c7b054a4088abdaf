// safetensors files (https://huggingface.co/docs/safetensors) read by ranges, and written. Knows names and numbers, not what
// they are for.

import { MOST_HEADER } from "../backend/backend.js";
import { GatewiseError } from "../errors.js";
import { type FileSource, type SeekableFile, openSeekable } from "../data/readers/source.js";
import type { FileTensor } from "../generated/core.js";
import { countOf } from "../shape.js";
import { readHeader, writeHeader } from "./safetensors-header.js";
import { decode } from "./numbers.js";
import type { StoredTensor, StoredTensors } from "./tensors.js";

/** What a safetensors file holds. */
export interface SafetensorsFile {
  readonly tensors: StoredTensors;
  /** Text under names; empty where the file has none. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Closes the file: no tensor can be read any more. More than once does no harm. */
  close(): Promise<void>;
}

/** Numbers to write: as {@link Model.parameters} gives them. */
export interface TensorToWrite {
  /** Its sizes, the outermost first. */
  readonly shape: readonly number[];
  /** Its numbers, row-major. */
  readonly data: Float32Array;
}

/**
 * Opens a safetensors file of anybody's. Its header is read and checked as a whole; numbers are read when they are asked for.
 *
 * @param source a path (in browsers: an address to fetch), or what the file holds
 * @returns its tensors, of any type, NaN and all; close it when they have been read
 * @throws {GatewiseError} `invalid_file` where it is truncated or damaged: a header beyond the file, tensors that overlap, leave
 * gaps, lie outside or have no known type; `file_access`; `invalid_option`; `shared_buffer`
 *
 * @example
 * ```ts
 * const file = await readSafetensors("weights.safetensors");
 * for (const [name, { shape, type }] of file.tensors) console.log(name, shape, type); // rnn.weight_ih_l0 [ 256, 5 ] f16
 * const numbers = await file.tensors.get("rnn.weight_ih_l0")?.read(); // Float32Array
 * await file.close();
 * ```
 */
export async function readSafetensors(source: FileSource): Promise<SafetensorsFile> {
  const file = await openSeekable(source);
  try {
    const length = await headerLength(file);
    const { tensors, metadata } = await readHeader(await readExactly(file, 0, 8 + length), file.size);
    const stored = tensors.map((tensor) => [tensor.name, storedAt(file, tensor)] as const);
    return { tensors: new Map(stored), metadata: new Map(Object.entries(metadata)), close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * A safetensors file of f32 tensors.
 *
 * @param tensors by name
 * @param metadata text under names
 * @throws {GatewiseError} `shape_mismatch` where a tensor's numbers are not as many as its shape says; `invalid_option`
 *
 * @example
 * ```ts
 * await writeFile("weights.safetensors", await encodeSafetensors(await model.stateDict(), { format: "pt" }));
 * ```
 */
export async function encodeSafetensors(
  tensors: Readonly<Record<string, TensorToWrite>> | ReadonlyMap<string, TensorToWrite>,
  metadata: Readonly<Record<string, string>> | ReadonlyMap<string, string> = {},
): Promise<Uint8Array> {
  const entries = tensors instanceof Map ? [...tensors] : Object.entries(tensors as Readonly<Record<string, TensorToWrite>>);
  const described = metadata instanceof Map ? Object.fromEntries(metadata) : (metadata as Readonly<Record<string, string>>);
  for (const [name, tensor] of entries) assertWhole(name, tensor);
  const readable = new Map(entries.map(([name, { shape, data }]) => [name, { shape, read: () => data }]));
  return filled(await headerOf(readable, described), readable);
}

/** A tensor whose numbers, as many as its shape says, are asked for when their turn comes. */
type Readable = Pick<StoredTensor, "shape"> & { read(): Float32Array | Promise<Float32Array> };

/** What a file of these tensors as f32 begins with. @throws {GatewiseError} `invalid_option` for names that no file can have */
export function headerOf(tensors: ReadonlyMap<string, Readable>, metadata: Readonly<Record<string, string>>): Promise<Uint8Array> {
  return writeHeader(Array.from(tensors, ([name, { shape }]) => ({ name, type: "f32", shape: [...shape] })), metadata);
}

/** The file that begins so, with the tensors' numbers behind it in the order that the header says. */
export async function filled(beginning: Uint8Array, tensors: ReadonlyMap<string, Readable>): Promise<Uint8Array> {
  const count = Array.from(tensors.values()).reduce((sum, { shape }) => sum + countOf(shape), 0);
  const bytes = new Uint8Array(beginning.length + 4 * count);
  bytes.set(beginning);
  for (const { name, begin } of (await readHeader(beginning, bytes.length)).tensors) {
    const { buffer, byteOffset, byteLength } = await (tensors.get(name) as Readable).read();
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), begin);
  }
  return bytes;
}

async function headerLength(file: SeekableFile): Promise<number> {
  if (file.size < 8) throw new GatewiseError("invalid_file", "", `${file.name}: ${file.size} bytes are no safetensors file, or it is truncated`);
  const { buffer, byteOffset } = await readExactly(file, 0, 8);
  const length = new DataView(buffer, byteOffset).getBigUint64(0, true);
  if (length <= BigInt(Math.min(file.size - 8, MOST_HEADER))) return Number(length);
  const message = `${file.name}: the header should have ${length} bytes, more than the file holds or than a header may have: it is truncated, or no safetensors file`;
  throw new GatewiseError("invalid_file", "", message);
}

/** The bytes from `start` to `end`, every one of them. */
async function readExactly(file: SeekableFile, start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await file.read(start, end);
  if (bytes.length === end - start) return bytes;
  throw new GatewiseError("invalid_file", "", `${file.name} ends at byte ${start + bytes.length}, where there should be ${end}: it is truncated`);
}

function storedAt(file: SeekableFile, { type, shape, begin, end }: FileTensor): StoredTensor {
  return { shape, type, read: async () => decode(type, await readExactly(file, begin, end)) };
}

function assertWhole(name: string, { shape, data }: TensorToWrite): void {
  if (!(data instanceof Float32Array)) throw new GatewiseError("invalid_option", name, `the numbers of ${name} must be a Float32Array`);
  if (countOf(shape) === data.length) return;
  throw new GatewiseError("shape_mismatch", name, `${name} has ${data.length} numbers, which [${shape.join(", ")}] does not hold`);
}
