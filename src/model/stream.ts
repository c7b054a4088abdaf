// One sequence, step by step, with the state kept between the steps.

import { assertApart, assertFloats } from "../data/buffers.js";
import { NUMBERS, STATICS, TOKENS, assertOne } from "../data/inputs.js";
import { GatewiseError } from "../errors.js";
import type { ModelCore, StreamHandle } from "./core.js";
import type { Output, StepPrediction } from "./outputs.js";
import { type ReadPrediction, predictionReader, sizeOf } from "./predictions.js";

/** One step of a sequence: its numbers, its token, or both. */
export type StepInput =
  | Float32Array
  | number
  | { readonly x?: Float32Array | undefined; readonly token?: number | undefined };

/** What is known of a sequence before its first step. */
export interface StreamOptions {
  /** [statics] The numbers of the whole sequence, where the model reads some; copied. */
  readonly statics?: Float32Array | undefined;
}

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
  constructor(core: ModelCore, { statics }: StreamOptions) {
    core.assertAlive();
    const { input, output } = core.description.definition;
    this.#core = core;
    this.#read = predictionReader<Out>(output);
    this.#numbers = new Float32Array(sizeOf(output));
    assertOne(statics, input.statics, "statics", STATICS);
    if (statics !== undefined) assertFloats(statics, "statics");
    this.#handle = core.openStream(statics?.slice());
  }

  /**
   * Takes the next step.
   *
   * @param step the step's numbers [features]; of tokens alone the token; of both `{ x, token }`
   * @returns what the model predicts now
   * @throws {GatewiseError} `shape_mismatch`, `not_finite`, `unknown_token`, `shared_buffer`, `invalid_option`,
   * `model_disposed`; the state is as it was before
   *
   * @example
   * ```ts
   * const stream = model.stream();
   * for await (const reading of sensor) console.log(stream.next(reading).label);
   * stream.dispose();
   * ```
   */
  next(step: StepInput): StepPrediction<Out> {
    return this.#read(this.run(step, this.#numbers));
  }

  /**
   * Takes the next step without allocating arrays.
   *
   * @param step as `next` takes it
   * @param y receives the numbers that `Model.run` gives for one sequence
   * @returns `y`
   * @throws {GatewiseError} as `next`
   */
  run(step: StepInput, y: Float32Array): Float32Array {
    const handle = this.#opened();
    const { input } = this.#core.description.definition;
    const isBoth = typeof step === "object" && step !== null && !ArrayBuffer.isView(step);
    const features = isBoth ? step.x : typeof step === "number" ? undefined : step;
    const token = isBoth ? step.token : typeof step === "number" ? step : undefined;
    assertOne(token, input.tokens, "token", TOKENS);
    // What is no number at all is for the next line to name.
    if (features !== undefined || input.features === undefined) assertOne(features, input.features, "features", NUMBERS);
    if (input.features !== undefined) assertFloats(features, "features");
    if (token !== undefined && token >>> 0 !== token) {
      throw new GatewiseError("unknown_token", "token", `${token} is no token: they are whole numbers, counted from 0`);
    }
    assertFloats(y, "y");
    if (features !== undefined) assertApart(y, "y", features, "features");
    this.#core.nextStep(handle, features, token, y);
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
