// What a PyTorch file holds, as inert data: nothing in it can be called but a tensor's `read`. Knows neither pickles nor zip.

import type { StoredTensor } from "../tensors.js";

/**
 * A value out of a file that `torch.save` wrote. Dictionaries of all kinds are maps, in their order; lists and sets are arrays;
 * tuples are frozen arrays; bytes are a `Uint8Array`; integers beyond 2⁵³ are bigints; a dtype and a device are their names
 * ("torch.float32", "cuda:0"). What Python shares, such as one tensor under two names, is shared here.
 */
export type PyTorchValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | StoredTensor
  | readonly PyTorchValue[]
  | ReadonlyMap<PyTorchValue, PyTorchValue>;

/** A dictionary out of a file. */
export type PyTorchMap = ReadonlyMap<PyTorchValue, PyTorchValue>;

/** Whether a value is a dictionary. */
export function isMap(value: PyTorchValue | undefined): value is PyTorchMap {
  return value instanceof Map;
}
