// The trainings of one model: prepared, driven to their ends or step by step, and never two at a time. Keeps the pipeline that
// the data came from. Knows nothing of how a training goes.

import { type Expected, prepareLabelled } from "../data/sequences.js";
import type { SavedPipeline } from "../data/pipeline/saved.js";
import { type DataSource, isDataSource, sizesOf } from "../data/source.js";
import type { LabelledData } from "../data/types.js";
import { GatewiseError } from "../errors.js";
import { deepFreeze } from "../json.js";
import { type Training, type TrainingData, prepareTraining, train, trainStepwise } from "../training/fit.js";
import type { FitOptions, History, TrainingStep } from "../training/types.js";
import type { ModelCore } from "./core.js";
import type { Output } from "./outputs.js";
import { checkPreprocessing } from "./raw-rows.js";

type Data<Out extends Output> = LabelledData<Out> | DataSource<Out>;

/** What `Model` trains with. */
export class Trainings<Out extends Output> {
  readonly #core: ModelCore;
  readonly #expected: Expected;
  #busy = false;
  #preprocessing: SavedPipeline | undefined;

  constructor(core: ModelCore, expected: Expected, preprocessing: SavedPipeline | undefined) {
    this.#core = core;
    this.#expected = expected;
    this.#preprocessing = preprocessing && deepFreeze(preprocessing);
  }

  /** The fitted pipeline of the data that was trained on last with one. Frozen. */
  get preprocessing(): SavedPipeline | undefined {
    return this.#preprocessing;
  }

  /** Throws while the model is training, and once it was disposed of. */
  assertIdle(): void {
    this.#core.assertAlive();
    if (!this.#busy) return;
    throw new GatewiseError("model_busy", "", "this model is training: wait for its fit, or end it with the signal");
  }

  /** As `Model.fit`. */
  fit(data: Data<Out>, options: FitOptions<Out>): Promise<History<Out>> {
    // Not `async`: a function that waits for training to end would keep the data alive until then.
    return this.#train(this.#prepare(data, options));
  }

  /** As `Model.training`. */
  stepwise(data: Data<Out>, options: FitOptions<Out>): AsyncGenerator<TrainingStep<Out>, History<Out>, undefined> {
    // Let go of when it is read: nothing here shall keep the data alive until training ends.
    const given: { arguments?: readonly [Data<Out>, FitOptions<Out>] } = { arguments: [data, options] };
    return this.#steps(given);
  }

  async *#steps(given: {
    arguments?: readonly [Data<Out>, FitOptions<Out>];
  }): AsyncGenerator<TrainingStep<Out>, History<Out>, undefined> {
    const preparing = this.#prepare(...(given.arguments ?? never()));
    delete given.arguments;
    const training = await preparing;
    try {
      return yield* trainStepwise(this.#core, training);
    } finally {
      this.#busy = false;
    }
  }

  async #train(prepared: Promise<Training<Out>>): Promise<History<Out>> {
    const training = await prepared;
    try {
      return await train(this.#core, training);
    } finally {
      this.#busy = false;
    }
  }

  /** Hands the data to the core; the model is training from now on, unless it fails. */
  async #prepare(data: Data<Out>, options: FitOptions<Out>): Promise<Training<Out>> {
    this.assertIdle();
    this.#busy = true;
    try {
      // First: between the look at the arrays and their copying nothing may happen to them.
      const given = (data as Partial<LabelledData<Out>> | undefined)?.preprocessing;
      const preprocessing = given && (await checkPreprocessing(given));
      const training = isDataSource(data) ? this.#readFrom(data) : prepareLabelled(data, this.#expected);
      const validation = options.validation && prepareLabelled(options.validation, this.#expected, "validation.");
      const prepared = await prepareTraining(this.#core, training, validation, options);
      if (preprocessing) this.#takeOver(preprocessing, prepared);
      return prepared;
    } catch (error) {
      this.#busy = false;
      throw error;
    }
  }

  /** A source's chunks, each in the form that the core takes. */
  #readFrom(source: DataSource<Out>): TrainingData {
    const read = async (chunk: number) => prepareLabelled(await source.read(chunk), this.#expected, `data.read(${chunk}).`);
    return { sizes: sizesOf(source), read };
  }

  #takeOver(preprocessing: SavedPipeline, { trainer }: Training<Out>): void {
    try {
      this.#core.setPreprocessing(JSON.stringify(preprocessing));
      this.#preprocessing = deepFreeze(preprocessing);
    } catch (error) {
      trainer.dispose();
      throw error;
    }
  }
}

function never(): never {
  throw new Error("a generator begins once");
}
