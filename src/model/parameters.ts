// A model's weights by name.

import type { Tensor as TensorDescription } from "../generated/core.js";

/** One of a model's parameters. */
export interface Tensor {
  /** Its sizes, the outermost first. */
  readonly shape: readonly number[];
  /** A copy of its numbers, row-major. */
  readonly data: Float32Array;
}

/** Every tensor by name, copied out of `weights`. */
export function namedTensors(tensors: readonly TensorDescription[], weights: Float32Array): Record<string, Tensor> {
  const entries = tensors.map(({ name, shape, offset, length }): [string, Tensor] => {
    return [name, { shape: [...shape], data: weights.slice(offset, offset + length) }];
  });
  return Object.fromEntries(entries);
}
