// One sequence, step by step, with the state kept between the steps.

import { assertApart, assertFloats } from "../data/buffers.js";
import { GatewiseError } from "../errors.js";
import type { ModelCore, StreamHandle } from "./core.js";
import { type Prediction, toPrediction } from "./predictions.js";

/**
 * A sequence that arrives one step at a time. After each step it predicts what `predict` would for the sequence so far.
 * `model.stream()` makes it; a model may have many at once. Weights that `fit` commits count from the next step on.
 */
export class Stream<Label extends string = string> {
  readonly #core: ModelCore;
  readonly #classes: readonly Label[];
  readonly #probabilities: Float32Array;
  #handle: StreamHandle | undefined;

  /** @internal */
  constructor(core: ModelCore, classes: readonly Label[]) {
    this.#core = core;
    this.#classes = classes;
    this.#probabilities = new Float32Array(classes.length);
    this.#handle = core.openStream();
  }

  /**
   * Takes the next step.
   *
   * @param features [features] the step's numbers
   * @returns what the model predicts now
   * @throws {GatewiseError} `shape_mismatch`, `not_finite`, `shared_buffer`, `invalid_option`, `model_disposed`; the state
   * is as it was before
   *
   * @example
   * ```ts
   * const stream = model.stream();
   * for await (const reading of sensor) console.log(stream.next(reading).label);
   * stream.dispose();
   * ```
   */
  next(features: Float32Array): Prediction<Label> {
    return toPrediction(this.#classes, this.run(features, this.#probabilities));
  }

  /**
   * Takes the next step without allocating arrays.
   *
   * @param features [features] the step's numbers
   * @param y [classes] receives the probabilities
   * @returns `y`
   * @throws {GatewiseError} as `next`
   */
  run(features: Float32Array, y: Float32Array): Float32Array {
    const handle = this.#opened();
    assertFloats(features, "features");
    assertFloats(y, "y");
    assertApart(y, "y", features, "features");
    this.#core.nextStep(handle, features, y);
    return y;
  }

  /**
   * Forgets all steps: the next one is the first of a new sequence.
   *
   * @throws {GatewiseError} `model_disposed`
   */
  reset(): void {
    this.#handle = this.#core.resetStream(this.#opened());
  }

  /** Frees the state. More than once does no harm. */
  dispose(): void {
    if (this.#handle && !this.#core.disposed) this.#core.closeStream(this.#handle);
    this.#handle = undefined;
  }

  /** Frees the state when a `using` declaration goes out of scope. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #opened(): StreamHandle {
    this.#core.assertAlive();
    if (!this.#handle) throw new GatewiseError("model_disposed", "", "this stream was disposed of: open another");
    return this.#handle;
  }
}
