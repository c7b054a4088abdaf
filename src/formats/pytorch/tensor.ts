// A tensor in a storage of the file: checked when the file is read, its numbers read when they are asked for.

import { countOf } from "../../shape.js";
import type { StoredTensor, TensorType } from "../tensors.js";
import type { Complaints } from "./complaints.js";
import { BYTES, decode } from "../numbers.js";
import type { StorageView, TensorLayout } from "./pickle/operands.js";

/**
 * Numbers that a tensor of any file may have; beyond that it has at most as many as its file has bytes. Only tensors that
 * repeat numbers of their storage (strides of 0) can have more of them than that.
 */
const LEAST_LIMIT = 1 << 20;

/** The file that a tensor is in: its size is the measure of what it may have. */
export interface TensorFile {
  /** Bytes. */
  readonly size: number;
  readonly complaints: Complaints;
}

/** Numbers that one tensor of a file of `fileBytes` may have. */
export function mostNumbers(fileBytes: number): number {
  return Math.max(LEAST_LIMIT, fileBytes);
}

function shown(shape: readonly number[]): string {
  return `[${shape.slice(0, 8).join(", ")}${shape.length > 8 ? ", …" : ""}]`;
}

/** Numbers of the storage from the tensor's first to its last. */
function extentOf({ shape, strides }: TensorLayout): number {
  return shape.reduce((last, size, axis) => last + (size - 1) * (strides[axis] ?? 0), 1);
}

/**
 * A tensor of `type` in `storage`.
 *
 * @throws {GatewiseError} `invalid_file` where it reaches beyond its storage or repeats numbers without bound
 */
export function tensorIn(storage: StorageView, layout: TensorLayout, type: TensorType, file: TensorFile): StoredTensor {
  const { complaints, size: fileBytes } = file;
  const { shape, offset } = layout;
  const count = countOf(shape);
  const place = storage.bytes.name;
  if (count > mostNumbers(fileBytes)) {
    const message = `a tensor of shape ${shown(shape)} has more numbers than the file has bytes: save it contiguous, tensor.contiguous()`;
    throw complaints.damaged(message, place);
  }
  const own = storage.type === "bytes" ? 1 : BYTES[storage.type];
  const held = Math.floor((storage.length * own) / BYTES[type]);
  if (count > 0 && offset + extentOf(layout) > held) {
    throw complaints.damaged(`a tensor of shape ${shown(shape)} reaches beyond its storage of ${held} numbers`, place);
  }
  return Object.freeze({ shape: Object.freeze([...shape]), type, read: () => readTensor(storage, layout, type) });
}

async function readTensor(storage: StorageView, layout: TensorLayout, type: TensorType): Promise<Float32Array> {
  if (countOf(layout.shape) === 0) return new Float32Array(0);
  const start = storage.start + layout.offset * BYTES[type];
  const bytes = await storage.bytes.read(start, start + extentOf(layout) * BYTES[type]);
  const numbers = decode(type, bytes);
  return isDense(layout) ? numbers : gather(numbers, layout);
}

/** Whether the numbers lie row-major without gaps: then they are the tensor. */
function isDense({ shape, strides }: TensorLayout): boolean {
  let dense = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis] as number;
    if (size !== 1 && strides[axis] !== dense) return false;
    dense *= size;
  }
  return true;
}

/** The tensor row-major. The last axis is a loop of its own; the others count like the wheels of an odometer. */
function gather(numbers: Float32Array, { shape, strides }: TensorLayout): Float32Array {
  const gathered = new Float32Array(countOf(shape));
  const inner = shape.at(-1) as number;
  const step = strides.at(-1) as number;
  const at = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < gathered.length; ) {
    for (let index = 0; index < inner; index++) gathered[to++] = numbers[from + index * step] as number;
    for (let axis = shape.length - 2; axis >= 0; axis--) {
      from += strides[axis] as number;
      at[axis] = (at[axis] as number) + 1;
      if ((at[axis] as number) < (shape[axis] as number)) break;
      from -= (strides[axis] as number) * (shape[axis] as number);
      at[axis] = 0;
    }
  }
  return gathered;
}
