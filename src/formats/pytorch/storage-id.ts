// The one form of persistent id that PyTorch writes: `("storage", type, key, location, numbers)`. The location, such as
// "cuda:0", is where the numbers were, and means nothing here.

import type { TensorType } from "../tensors.js";
import { Global, type Operand, isCount } from "./pickle/operands.js";

export interface StorageId {
  readonly type: TensorType | "bytes";
  readonly key: string;
  /** Numbers. */
  readonly length: number;
}

/** The storage that an id names; undefined where it is not of that form. */
export function storageOf(id: readonly Operand[]): StorageId | undefined {
  const [kind, type, key, location, length] = id;
  if (kind !== "storage" || !(type instanceof Global) || type.storage === undefined) return undefined;
  if (typeof key !== "string" || typeof location !== "string" || !isCount(length)) return undefined;
  return { type: type.storage, key, length };
}
