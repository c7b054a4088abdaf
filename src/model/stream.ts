// One sequence, step by step, with the state kept between the steps.

import { assertApart, assertFloats } from "../data/buffers.js";
import { GatewiseError } from "../errors.js";
import type { ModelCore, StreamHandle } from "./core.js";
import type { Output, StepPrediction } from "./outputs.js";
import { type ReadPrediction, predictionReader, sizeOf } from "./predictions.js";

/**
 * A sequence that arrives one step at a time. After each step it predicts what `predict` would for the sequence so far;
 * where there is an output for each step, for its last.
 * `model.stream()` makes it; a model may have many at once. Weights that `fit` commits count from the next step on.
 */
export class Stream<Out extends Output = string> {
  readonly #core: ModelCore;
  readonly #read: ReadPrediction<Out>;
  readonly #numbers: Float32Array;
  #handle: StreamHandle | undefined;

  /** @internal */
  constructor(core: ModelCore) {
    const { output } = core.description.definition;
    this.#core = core;
    this.#read = predictionReader<Out>(output);
    this.#numbers = new Float32Array(sizeOf(output));
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
  next(features: Float32Array): StepPrediction<Out> {
    return this.#read(this.run(features, this.#numbers));
  }

  /**
   * Takes the next step without allocating arrays.
   *
   * @param features [features] the step's numbers
   * @param y receives the numbers that `Model.run` gives for one sequence
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
