// Weights that long reads began with. Costs nothing unless weights are committed while such a read is under way.

import type { BindingModel } from "../backend/binding.js";
import { release } from "../backend/release.js";

/** Counts the long reads of one state of the weights; after a commit, holds that state for them until the last has ended. */
export class Snapshot {
  #readers = 0;
  #kept: BindingModel | undefined;

  get readers(): number {
    return this.#readers;
  }

  /** Where the weights are now; undefined as long as they are still the model's own. */
  get binding(): BindingModel | undefined {
    return this.#kept;
  }

  enter(): this {
    this.#readers += 1;
    return this;
  }

  /** Hands over a binding that holds the weights, as the model's own are about to change. */
  keep(binding: BindingModel): void {
    this.#kept = binding;
  }

  leave(): void {
    this.#readers -= 1;
    if (this.#readers > 0) return;
    if (this.#kept) release(this.#kept);
    this.#kept = undefined;
  }
}
