// State dicts as callers give them: files of either kind, told by their first bytes, or tensors in memory.

import { assertUnshared, kindOf } from "../../data/buffers.js";
import { GatewiseError } from "../../errors.js";
import { type FileSource, isFile, openSeekable } from "../../data/readers/source.js";
import { countOf } from "../../shape.js";
import { type PyTorchRecord, readPyTorch } from "../pytorch/index.js";
import { type SafetensorsFile, readSafetensors } from "../safetensors.js";
import type { StoredTensor, StoredTensors } from "../tensors.js";

/** A tensor in memory. */
export interface GivenTensor {
  /** Its sizes, the outermost first. */
  readonly shape: readonly number[];
  /** Its numbers, row-major. */
  readonly data: Float32Array | Float64Array;
}

/** Tensors by name: what `parameters()` and `stateDict()` give, what the readers of `gatewise/formats` do, or anybody's. */
export type GivenTensors = Readonly<Record<string, GivenTensor>> | ReadonlyMap<string, GivenTensor | StoredTensor>;

/** A state dict that is open. */
export interface OpenState {
  readonly tensors: StoredTensors;
  /** Text beside them, of safetensors. */
  readonly metadata: ReadonlyMap<string, string>;
  /** What a `.pt` file of ours tells of its model. */
  readonly record?: PyTorchRecord | undefined;
  close(): Promise<void>;
}

const NOTHING: ReadonlyMap<string, string> = new Map();

/**
 * Opens a safetensors file, a `.pt` file, or tensors.
 *
 * @param path of a `.pt` file with several state dicts, which
 * @throws {GatewiseError} `invalid_file`, `unsafe_file`, `file_access`, `invalid_option`, `shape_mismatch`, `shared_buffer`
 */
export async function openState(source: FileSource | GivenTensors, path?: string): Promise<OpenState> {
  if (!isFile(source)) return { tensors: fromMemory(source), metadata: NOTHING, close: async () => undefined };
  if ((await formatOf(source)) === "pytorch") return openPyTorch(source, path);
  if (path === undefined) return withSharedNames(await readSafetensors(source));
  throw new GatewiseError("invalid_option", "options.path", "a safetensors file holds one state dict: leave path out");
}

/**
 * `save_model` of Python's safetensors leaves out a tensor that is there under another name, and says so in the metadata, the
 * name that is missing before the one that is there.
 *
 * @see https://huggingface.co/docs/safetensors/torch_shared_tensors
 */
function withSharedNames(file: SafetensorsFile): OpenState {
  const tensors = new Map(file.tensors);
  for (const [name, other] of file.metadata) {
    const shared = file.tensors.get(other);
    if (shared && !file.tensors.has(name)) tensors.set(name, shared);
  }
  return { tensors, metadata: file.metadata, close: () => file.close() };
}

async function openPyTorch(source: FileSource, path: string | undefined): Promise<OpenState> {
  const file = await readPyTorch(source);
  try {
    return { tensors: file.tensors(path), metadata: NOTHING, record: file.record, close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error instanceof GatewiseError && error.path === "path" ? new GatewiseError(error.code, "options.path", error.message) : error;
  }
}

/**
 * safetensors begin with 8 bytes of the header's length and then its JSON, which no other format does. What is too short to tell is
 * told as safetensors, too.
 *
 * @throws {GatewiseError} `invalid_file` where it is of neither format
 */
async function formatOf(source: FileSource): Promise<"safetensors" | "pytorch"> {
  const file = await openSeekable(source);
  try {
    const first = await file.read(0, 9);
    if (first[8] === 0x7b) return "safetensors";
    if (isPyTorch(first)) return "pytorch";
    if (first.length < 9) return "safetensors";
    const message = `${file.name} begins as no file of torch.save and no safetensors file does: give one of these (ONNX is written, not read)`;
    throw new GatewiseError("invalid_file", "source", message);
  } finally {
    await file.close();
  }
}

/** A zip archive, or a pickle of protocol 2 or later, as `torch.save` wrote before it wrote archives. */
function isPyTorch(first: Uint8Array): boolean {
  const isArchive = first[0] === 0x50 && first[1] === 0x4b;
  return isArchive || (first[0] === 0x80 && (first[1] ?? 0) >= 2);
}

function fromMemory(tensors: GivenTensors): StoredTensors {
  if (typeof tensors !== "object" || tensors === null || Array.isArray(tensors) || ArrayBuffer.isView(tensors)) {
    const message = `give a path, a URL, bytes, a Blob, or tensors by name, not ${kindOf(tensors)}`;
    throw new GatewiseError("invalid_option", "source", message);
  }
  const entries = tensors instanceof Map ? [...tensors] : Object.entries(tensors);
  return new Map(entries.map(([name, tensor]: [string, GivenTensor | StoredTensor]) => [name, stored(name, tensor)]));
}

function stored(name: string, tensor: GivenTensor | StoredTensor): StoredTensor {
  const isTensor = typeof tensor === "object" && tensor !== null && isShape(tensor.shape);
  if (isTensor && "read" in tensor && typeof tensor.read === "function") return tensor;
  const { data }: { data?: unknown } = isTensor ? (tensor as GivenTensor) : {};
  const kind = kindOf(data);
  if (!isTensor || (kind !== "Float32Array" && kind !== "Float64Array")) {
    throw new GatewiseError("invalid_option", name, `${name} must be a tensor: { shape: [rows, columns], data: Float32Array }`);
  }
  const numbers = data as Float32Array | Float64Array;
  assertUnshared(numbers, name);
  const { shape } = tensor;
  const length = countOf(shape);
  if (numbers.length !== length) {
    throw new GatewiseError("shape_mismatch", name, `${name} has ${numbers.length} numbers, its shape [${shape.join(", ")}] says ${length}`);
  }
  return { shape: [...shape], type: kind === "Float32Array" ? "f32" : "f64", read: async () => Float32Array.from(numbers) };
}

function isShape(shape: unknown): shape is readonly number[] {
  return Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(size) && size >= 0);
}
