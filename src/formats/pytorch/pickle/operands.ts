// What stands on the stack of a pickle: inert values, and what only the pickle itself uses on its way to them.

import type { StoredTensor, TensorType } from "../../tensors.js";
import type { Complaints } from "../complaints.js";

/** A frozen array. */
export type Tuple = readonly Operand[];

/** A list is an array, a tuple is a frozen one. */
export type Operand =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Operand[]
  | Tuple
  | Map<Operand, Operand>
  | StoredTensor
  | Global
  | StorageView
  | NumpyType;

/** What the calls of a pickle may use. */
export interface CallContext {
  readonly complaints: Complaints;
  /** Counts memory; throws where a pickle takes too much of it. */
  charge(bytes: number): void;
  /** A tensor in a storage. @throws {GatewiseError} `invalid_file` where it does not lie in it */
  tensor(storage: StorageView, layout: TensorLayout, type: TensorType): Operand;
}

/** What a listed name makes out of its arguments; undefined where they are not what it takes. */
export type Call = (args: readonly Operand[], context: CallContext) => Operand | undefined;

/** A listed name of Python. It is the same object in every file, and nothing can change it. */
export class Global {
  readonly title: string;
  readonly call: Call | undefined;
  /** The numbers of a storage, if it is a storage's type. */
  readonly storage: TensorType | "bytes" | undefined;

  constructor(module: string, name: string, { call, storage }: { call?: Call | undefined; storage?: TensorType | "bytes" }) {
    this.title = `${module}.${name}`;
    this.call = call;
    this.storage = storage;
    Object.freeze(this);
  }
}

/** The bytes of a storage, wherever the file has them. */
export interface StorageBytes {
  /** As errors call it: `data/7`. */
  readonly name: string;
  /** The bytes from `start` to before `end`, which nobody else has. */
  read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** A storage as the pickle speaks of it: a run of numbers of one type. */
export class StorageView {
  readonly type: TensorType | "bytes";
  /** Numbers. */
  readonly length: number;
  /** Its first byte in `bytes`. */
  readonly start: number;
  readonly bytes: StorageBytes;

  constructor(type: TensorType | "bytes", length: number, start: number, bytes: StorageBytes) {
    this.type = type;
    this.length = length;
    this.start = start;
    this.bytes = bytes;
  }
}

/** Where a tensor lies in its storage, in numbers: number `i, j, …` is at `offset + i·strides[0] + j·strides[1] + …`. */
export interface TensorLayout {
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** A NumPy dtype of single numbers, such as "f8". */
export class NumpyType {
  readonly code: string;

  constructor(code: string) {
    this.code = code;
  }
}

/** Estimates of what V8 takes, for the limit on memory: of an entry also while its map moves to a table of twice the size. */
export const MAP_BYTES = 200;
export const ENTRY_BYTES = 64;
export const ARRAY_BYTES = 56;

/** What an operand is, for messages. */
export function describe(operand: Operand | undefined): string {
  if (operand instanceof Global) return operand.title;
  if (operand instanceof StorageView) return "a storage";
  if (operand instanceof NumpyType) return "a NumPy dtype";
  if (operand instanceof Map) return "a dictionary";
  if (operand instanceof Uint8Array) return "bytes";
  if (Array.isArray(operand)) return Object.isFrozen(operand) ? "a tuple" : "a list";
  if (operand === undefined) return "nothing";
  if (operand === null) return "None";
  if (typeof operand === "object") return "a tensor";
  return typeof operand === "string" ? "a string" : typeof operand === "boolean" ? "a boolean" : "a number";
}

/** A whole number that is not negative: a size, an offset, a length. */
export function isCount(operand: Operand | undefined): operand is number {
  return Number.isSafeInteger(operand) && (operand as number) >= 0;
}

export function isList(operand: Operand | undefined): operand is Operand[] {
  return Array.isArray(operand) && !Object.isFrozen(operand);
}

export function isTuple(operand: Operand | undefined): operand is Tuple {
  return Array.isArray(operand) && Object.isFrozen(operand);
}
