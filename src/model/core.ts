// One model in a backend, kept whole: errors become the package's, a failed instance is replaced by a fresh one with the
// last committed weights, long reads keep the weights that they began with. Knows no labels, shapes or files.

import type { Backend, CoreTargets, TrainerHandle, TrainingJob } from "../backend/backend.js";
import type { BindingModel } from "../backend/binding.js";
import { release } from "../backend/release.js";
import { GatewiseError, fromBinding } from "../errors.js";
import type { ModelDescription, ModelSummary } from "../generated/core.js";
import { fromJson } from "../json.js";
import { Snapshot } from "./snapshot.js";

/** What a model reads of n sequences; undefined where it does not. */
export interface RunArrays {
  /** [n, steps, features] */
  readonly x: Float32Array | undefined;
  /** [n, steps] */
  readonly tokens: Uint32Array | undefined;
  /** [n, statics] */
  readonly statics: Float32Array | undefined;
  /** [n] */
  readonly lengths: Uint32Array | undefined;
  /** [n, S] read, and overwritten by the states that the sequences have come to. */
  readonly states: Float32Array | undefined;
}

/** What a binding takes where no states are to be carried. */
const NO_STATES = new Float32Array(0);

function runOn(binding: BindingModel, { x, tokens, statics, lengths, states = NO_STATES }: RunArrays, y: Float32Array): void {
  binding.run(x, tokens, statics, lengths, states, y);
}

/** A stream's number, and the instance that knows it. */
export interface StreamHandle {
  readonly binding: BindingModel;
  readonly id: number;
  /** The numbers of its whole sequence, if the model reads some. */
  readonly statics: Float32Array | undefined;
}

/** Adds predictions as `run` gives them, and their targets, to an evaluation. */
export type AddToEvaluation = (predictions: Float32Array, lengths: Uint32Array, targets: CoreTargets) => void;

/** What training needs beside the model itself. */
export type TrainingOrder = Pick<TrainingJob, "options" | "training" | "validation" | "optimizer" | "checkpoint">;

/** A model in a backend. Every method but `dispose` and `closeStream` throws `model_disposed` once it was disposed of. */
export class ModelCore {
  /** What the core says of the model. */
  readonly description: ModelDescription;
  readonly #backend: Backend;
  readonly #definition: string;
  readonly #machine: string;
  /** Undefined after a failure, until the next call makes a fresh one. */
  #binding: BindingModel | undefined;
  /**
   * Replaced as a whole, not written to before that. A copy on this side of the binding outlives anything on the other. Until the
   * first commit there is none: a model that is only read from is in memory once.
   */
  #committed: Float32Array | undefined;
  /** What failed before there was a copy. Nothing is to be had of it any more but its weights. */
  #failed: BindingModel | undefined;
  /** What long reads share that began after the last commit. */
  #snapshot = new Snapshot();
  #disposed = false;
  /** Whether the last commit's weights may be NaN or infinite. */
  #allowNotFinite = false;
  /** Kept here because an instance that fails takes its own along. */
  #preprocessing: string | undefined;

  /** Takes over `binding`. `machine` is the JSON that it was made with. */
  constructor(backend: Backend, machine: string, binding: BindingModel) {
    this.#backend = backend;
    this.#machine = machine;
    this.#binding = binding;
    this.description = fromJson<ModelDescription>(binding.describe());
    this.#definition = JSON.stringify(this.description.definition);
    this.#preprocessing = this.description.preprocessing ?? undefined;
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  /** The last committed weights, or those that the model began with, every tensor one after the other. Not to be written to. */
  get weights(): Float32Array {
    this.assertAlive();
    if (this.#committed) return this.#committed;
    return this.#call((binding) => binding.weights());
  }

  assertAlive(): void {
    if (this.#disposed) throw new GatewiseError("model_disposed", "", "this model was disposed of: make or load another");
  }

  /** Fills `y` with predictions. For servers: allocates no arrays, and has no closure. */
  run(arrays: RunArrays, y: Float32Array): void {
    const binding = this.#alive();
    try {
      runOn(binding, arrays, y);
    } catch (thrown) {
      throw this.#failure(thrown, binding);
    }
  }

  /** `optimizer` is the JSON of its options. */
  summarise(batchSize: number, steps: number, optimizer: string): ModelSummary {
    return fromJson<ModelSummary>(this.#call((binding) => binding.summarise(batchSize, steps, optimizer)));
  }

  /** What `save` writes of the model's preprocessing. */
  setPreprocessing(text: string): void {
    this.#call((binding) => binding.setPreprocessing(text));
    this.#preprocessing = text;
  }

  save(): Uint8Array {
    return this.#call((binding) => binding.save());
  }

  /** The file of this model with other weights. */
  saveWith(weights: Float32Array): Uint8Array {
    this.assertAlive();
    const binding = this.#open(weights);
    try {
      return binding.save();
    } catch (thrown) {
      throw fromBinding(thrown);
    } finally {
      release(binding);
    }
  }

  /**
   * Calls `read` with a function that adds predictions and their targets, and tells what they come to once its promise has
   * settled. `Told` is the report of the model's output.
   */
  async evaluate<Told>(read: (add: AddToEvaluation) => Promise<void>): Promise<Told> {
    const binding = this.#alive();
    const id = this.#call(() => binding.openEvaluation());
    const guarded = <T>(operation: () => T): T => {
      this.assertAlive();
      try {
        return operation();
      } catch (thrown) {
        throw this.#failure(thrown, binding);
      }
    };
    try {
      await read((predictions, lengths, { classes, numbers, weights }) => {
        guarded(() => binding.addToEvaluation(id, predictions, lengths, classes, numbers, weights));
      });
    } catch (error) {
      // Closing it is all that is left to do with it, and whatever comes of that is nobody's business.
      if (this.#binding === binding) release({ dispose: () => void binding.closeEvaluation(id) });
      throw error;
    }
    return fromJson<Told>(guarded(() => binding.closeEvaluation(id)));
  }

  /**
   * Replaces the weights at once. Long reads go on with those that they began with.
   *
   * @param allowNotFinite whether they may be NaN or infinite
   * @returns the array of the last commit, which is the caller's: fresh memory costs more than the copying
   */
  commit(weights: Float32Array, allowNotFinite = false): Float32Array | undefined {
    this.assertAlive();
    if (this.#snapshot.readers > 0) {
      this.#snapshot.keep(this.#open(this.weights));
      this.#snapshot = new Snapshot();
    }
    this.#call((binding) => binding.commit(weights, allowNotFinite));
    this.#allowNotFinite = allowNotFinite;
    const replaced = this.#committed;
    this.#committed = weights;
    return replaced;
  }

  /** Calls `read` with a `run` that sees the weights of now until its promise settles, whatever is committed meanwhile. */
  async readLong<T>(read: (run: ModelCore["run"]) => Promise<T>): Promise<T> {
    this.assertAlive();
    const snapshot = this.#snapshot.enter();
    try {
      return await read((arrays, y) => {
        this.assertAlive();
        const kept = snapshot.binding;
        if (!kept) return this.run(arrays, y);
        try {
          runOn(kept, arrays, y);
        } catch (thrown) {
          throw fromBinding(thrown);
        }
      });
    } finally {
      snapshot.leave();
    }
  }

  openStream(statics: Float32Array | undefined): StreamHandle {
    return this.#call((binding) => ({ binding, id: binding.openStream(statics), statics }));
  }

  /**
   * Fills `y` with the prediction after `features` [features] and a token, those that the model reads. For servers: allocates
   * nothing, hence no closure.
   */
  nextStep(
    stream: StreamHandle,
    features: Float32Array | undefined,
    token: number | undefined,
    y: Float32Array,
  ): void {
    this.assertAlive();
    if (stream.binding !== this.#binding) {
      const message = "the instance that held this stream's state failed: reset() begins anew";
      throw new GatewiseError("internal_error", "", message);
    }
    try {
      stream.binding.nextStep(stream.id, features, token, y);
    } catch (thrown) {
      throw this.#failure(thrown, stream.binding);
    }
  }

  /** Puts the stream's state back to its beginning; a stream whose instance failed gets a place in the fresh one. */
  resetStream(stream: StreamHandle): StreamHandle {
    if (stream.binding !== this.#alive()) return this.openStream(stream.statics);
    this.#call((binding) => binding.resetStream(stream.id));
    return stream;
  }

  closeStream(stream: StreamHandle): void {
    if (stream.binding === this.#binding) this.#call((binding) => binding.closeStream(stream.id));
  }

  /** A trainer that starts from the last committed weights. It has nothing of this model's in its hands. */
  async openTrainer(order: TrainingOrder): Promise<TrainerHandle> {
    this.assertAlive();
    const job = { definition: this.#definition, machine: this.#machine, weights: this.weights, ...order };
    try {
      return await this.#backend.createTrainer(job);
    } catch (thrown) {
      throw fromBinding(thrown);
    }
  }

  dispose(): void {
    this.#disposed = true;
    if (this.#binding) release(this.#binding);
    this.#binding = undefined;
    this.#failed = undefined;
    this.#committed = undefined;
  }

  #call<T>(operation: (binding: BindingModel) => T): T {
    const binding = this.#alive();
    try {
      return operation(binding);
    } catch (thrown) {
      throw this.#failure(thrown, binding);
    }
  }

  #alive(): BindingModel {
    this.assertAlive();
    return (this.#binding ??= this.#again());
  }

  /** A fresh binding in the place of the one that failed. */
  #again(): BindingModel {
    const weights = this.#committed ?? this.#failed?.weights();
    if (!weights) throw new Error("a model that has no binding has had one that failed");
    try {
      const binding = this.#open(weights);
      this.#failed = undefined;
      return binding;
    } catch (error) {
      if (!(error instanceof GatewiseError) || error.code !== "not_finite") throw error;
      const message = "the instance that failed has taken the model's weights along: create or load the model again";
      throw new GatewiseError("internal_error", "", message, { cause: error });
    }
  }

  /** A binding apart from all others, with the given weights. */
  #open(weights: Float32Array): BindingModel {
    try {
      const binding = this.#backend.createModel(this.#definition, this.#machine);
      binding.commit(weights, this.#allowNotFinite);
      if (this.#preprocessing !== undefined) binding.setPreprocessing(this.#preprocessing);
      return binding;
    } catch (thrown) {
      throw fromBinding(thrown);
    }
  }

  /** The package's error for `thrown`. A binding with a defect is not used, nor even freed, any more. */
  #failure(thrown: unknown, binding: BindingModel): GatewiseError {
    const error = fromBinding(thrown);
    if (error.code === "internal_error" && this.#binding === binding) {
      this.#binding = undefined;
      if (!this.#committed) this.#failed = binding;
    }
    return error;
  }
}
