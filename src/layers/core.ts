// One layer in a backend, kept whole: errors become the package's, a failed instance is replaced by a fresh one with the
// last committed weights. Knows no names or shapes.

import type { BindingLayer } from "../backend/binding.js";
import { release } from "../backend/release.js";
import { GatewiseError, fromBinding } from "../errors.js";
import type { LayerDescription } from "../generated/core.js";
import { fromJson } from "../json.js";

/** A layer in a backend. Every method but `dispose` throws `model_disposed` once it was disposed of. */
export class LayerCore {
  /** What the core says of the layer. */
  readonly description: LayerDescription;
  readonly #open: () => BindingLayer;
  /** Undefined after a failure, until the next call makes a fresh one. */
  #binding: BindingLayer | undefined;
  /** A copy on this side of the binding outlives a trap on the other. */
  #committed: Float32Array;
  #disposed = false;

  /** @param open makes the layer, as new, apart from every other */
  constructor(open: () => BindingLayer) {
    const binding = open();
    this.#open = open;
    this.#binding = binding;
    this.description = fromJson<LayerDescription>(binding.describe());
    this.#committed = binding.weights();
  }

  /** Every tensor, one after the other. Not to be written to. */
  get weights(): Float32Array {
    this.assertAlive();
    return this.#committed;
  }

  assertAlive(): void {
    if (this.#disposed) throw new GatewiseError("model_disposed", "", "this layer was disposed of: create another");
  }

  /** Replaces the weights with an array that is the layer's from then on. */
  commit(weights: Float32Array): void {
    this.call((binding) => binding.commit(weights));
    this.#committed = weights;
  }

  /** What `operation` gives. After a defect the instance, and with it the last forward pass, is gone. */
  call<T>(operation: (binding: BindingLayer) => T): T {
    this.assertAlive();
    try {
      return operation((this.#binding ??= this.#again()));
    } catch (thrown) {
      const error = fromBinding(thrown);
      if (error.code === "internal_error") this.#binding = undefined;
      throw error;
    }
  }

  dispose(): void {
    this.#disposed = true;
    if (this.#binding) release(this.#binding);
    this.#binding = undefined;
  }

  #again(): BindingLayer {
    const binding = this.#open();
    binding.commit(this.#committed);
    return binding;
  }
}
