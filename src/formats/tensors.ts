// Tensors as files hold them: what every reader of this folder gives and every writer takes. Knows no file format and no model.

import type { TensorType } from "../generated/core.js";

export type { TensorType };

/** A tensor of a file, not read yet. */
export interface StoredTensor {
  /** Its sizes, the outermost first; none of a single number. */
  readonly shape: readonly number[];
  readonly type: TensorType;
  /** Its numbers, dense and row-major, each rounded to the nearest f32. Nobody else has the array. */
  read(): Promise<Float32Array>;
}

/** Tensors by name, in the file's order. A map, so that any name can stand in it, `__proto__` too. */
export type StoredTensors = ReadonlyMap<string, StoredTensor>;

/** Whether a value out of a file, or of a caller's, is a tensor that is not read yet. */
export function isStoredTensor(value: unknown): value is StoredTensor {
  return typeof value === "object" && value !== null && "read" in value && "shape" in value;
}
