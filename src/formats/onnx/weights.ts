// A model's tensors on their way into a file: by name, as they are, or as one of ONNX's recurrent operators wants them. Knows
// no graph.

import type { Tensor } from "../../model/parameters.js";

/** The tensors of a model by name, or those of one direction of a layer by what is between prefix and suffix: `weight_ih`. */
export class Weights {
  readonly #tensors: Record<string, Tensor>;
  readonly #prefix: string;
  readonly #suffix: string;

  /** Takes over `tensors`. */
  constructor(tensors: Record<string, Tensor>, prefix = "", suffix = "") {
    this.#tensors = tensors;
    this.#prefix = prefix;
    this.#suffix = suffix;
  }

  /** Those of one direction of a layer. */
  direction(layer: number, direction: number): Weights {
    return new Weights(this.#tensors, `layers.${layer}.`, direction === 0 ? "_l0" : "_l0_reverse");
  }

  /** The whole name of a tensor. */
  nameOf(name: string): string {
    return this.#prefix + name + this.#suffix;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#tensors, this.nameOf(name));
  }

  /** The tensor, which the definition has. */
  get(name: string): Tensor {
    const tensor = this.find(name);
    if (!tensor) throw new TypeError(`the model has no ${this.nameOf(name)}`);
    return tensor;
  }

  find(name: string): Tensor | undefined {
    return this.has(name) ? this.#tensors[this.nameOf(name)] : undefined;
  }

  /** The tensor, of which a copy is made and nothing else: it is forgotten, so that its memory is free as soon as may be. */
  take(name: string): Tensor | undefined {
    const tensor = this.find(name);
    delete this.#tensors[this.nameOf(name)];
    return tensor;
  }
}

/**
 * The tensors' blocks of rows in another order, tensor by tensor.
 *
 * @param count how many equal blocks each tensor has
 * @param order which of them stands where; zeros where there is none
 */
export function reordered(tensors: readonly Tensor[], count: number, order: readonly (number | undefined)[]): Float32Array {
  const [first] = tensors;
  if (first && tensors.length === 1 && count === 1) return first.data;
  const size = (first?.data.length ?? 0) / count;
  const all = new Float32Array(tensors.length * order.length * size);
  for (const [t, { data }] of tensors.entries()) {
    for (const [place, block] of order.entries()) {
      if (block !== undefined) all.set(data.subarray(block * size, (block + 1) * size), (t * order.length + place) * size);
    }
  }
  return all;
}

/** a + b, element by element. */
export function sum(a: Float32Array, b: Float32Array): Float32Array {
  return a.map((number, index) => number + (b[index] ?? 0));
}
