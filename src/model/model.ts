// The model that users hold: its public face. What it does is elsewhere: training in `Trainings`, reading in `Reader` and
// `runInto`; what runs is behind `ModelCore`.

import type { BackendName } from "../backend/backend.js";
import { type Expected, prepareLabelled } from "../data/sequences.js";
import type { SavedPipeline } from "../data/pipeline/saved.js";
import type { DataSource } from "../data/source.js";
import type { LabelledData, Sequences } from "../data/types.js";
import type { FileSource } from "../data/readers/source.js";
import type { GivenTensors } from "../formats/state-dict/given.js";
import type { LoadStateOptions } from "../formats/state-dict/load.js";
import type { LoadedState } from "../formats/state-dict/stage.js";
import type { StateDictOptions } from "../formats/state-dict/write.js";
import { deepFreeze } from "../json.js";
import { type LearningRateRange, type LearningRateSearch, findLearningRate } from "../training/range-finder.js";
import type { FitOptions, History, TrainingStep } from "../training/types.js";
import type { ModelCore } from "./core.js";
import type { ModelDefinition } from "./definition.js";
import type { Output, Prediction, Report } from "./outputs.js";
import { type Tensor, namedTensors } from "./parameters.js";
import { type RawRows, type RowPrediction, isRawRows } from "./raw-rows.js";
import { type ReadOptions, Reader } from "./reader.js";
import { type RunInputs, runArrays, runInto } from "./run.js";
import { commitStateDict, readStateDict, stateDictOf } from "./state-dict.js";
import { States } from "./states.js";
import { Stream, type StreamOptions } from "./stream.js";
import { type SummaryOptions, summarised, summaryTable } from "./summary.js";
import { Trainings } from "./trainings.js";
import { writeModelFile } from "./write-file.js";

/** What a model runs on. */
export interface BackendInfo {
  readonly name: BackendName;
  /** The instruction set of its kernels: `"avx512"`, `"avx2"`, `"neon"`, `"simd128"`, … */
  readonly isa: string;
  /** Threads that work on a batch. */
  readonly threads: number;
  /** Why it is this backend and not the other. */
  readonly reason: string;
}

/**
 * A network that classifies, labels or forecasts sequences. `createModel` and `loadModel` make it; `dispose` ends it. It
 * belongs to the thread that made it.
 *
 * While `fit` runs, everything that reads sees the weights that were committed last, and a second `fit` is refused with
 * `model_busy`. After a call that failed, whatever the reason, the model is as it was before; only a `fit` that fails on
 * its way, as when the loss stops being finite, leaves the weights that it committed last.
 *
 * @typeParam Out what it predicts: its output's definition, such as `{ values: 1 }`; or short, for classes of whole
 * sequences, the union of their names. Predictions, targets, losses and reports follow from it
 */
export class Model<Out extends Output = string> {
  /** What it is, with every default filled in but those of a layer's and the output's options. Frozen. */
  readonly definition: ModelDefinition<Out>;
  /** What it runs on. */
  readonly backend: BackendInfo;
  readonly #core: ModelCore;
  readonly #expected: Expected;
  readonly #trainings: Trainings<Out>;
  readonly #reader: Reader<Out>;

  /** @internal */
  constructor(core: ModelCore, name: BackendName, reason: string, preprocessing?: SavedPipeline) {
    const { definition, isa, threads } = core.description;
    this.#core = core;
    this.#expected = { input: definition.input, output: definition.output };
    this.#trainings = new Trainings<Out>(core, this.#expected, preprocessing);
    this.#reader = new Reader<Out>(core, this.#expected);
    // The names are the ones that `createModel` was given, or those that `loadModel`'s caller answers for.
    this.definition = deepFreeze(definition as ModelDefinition as ModelDefinition<Out>);
    this.backend = Object.freeze({ name, isa, threads, reason });
  }

  /**
   * Trains the model. Does not hold up the event loop: the native backend trains on threads of its own, WebAssembly in a
   * worker. The same seed, data, options and backend give the same weights to the bit.
   *
   * @param data [n, steps, features] and the targets; copied before the first step, and kept no longer. Or a source that is read
   * chunk by chunk. What a pipeline of `gatewise/data` gave brings its {@link preprocessing} along
   * @param options how to train, on what to validate, whom to tell, when to stop, where to keep the run
   * @returns the losses and reports; `stopped` is `"aborted"` if the signal or `dispose` ended it, `"early"` if early stopping did
   * @throws {GatewiseError} `model_busy`, `model_disposed`, `invalid_option`, `shape_mismatch`, `not_finite`, `empty_data`,
   * `unknown_class`, `invalid_target`, `invalid_length`, `shared_buffer`, `out_of_memory`. Paths of the validation data begin with
   * `validation.`, those of a source's chunk with `data.read(chunk).`. Of checkpoints `file_access`, and `invalid_file` if the one
   * to go on from is damaged. A loss that turns NaN or infinite is `not_finite`, with its step, the first layer or tensor that is
   * not finite, the last checkpoint and the likely causes
   * @throws whatever a callback or the source threw
   *
   * @example
   * ```ts
   * const history = await model.fit(
   *   { x, shape: [1000, 24, 5], targets: labels },
   *   { epochs: 20, batchSize: 64, optimizer: { kind: "adam", learningRate: 3e-3 }, onEpoch: console.log },
   * );
   * // Killed at any moment and started again, it goes on where it was, and comes to the same weights.
   * await model.fit(data, { epochs: 20, checkpoint: { path: "run.safetensors", every: { seconds: 60 }, resume: true } });
   * ```
   */
  fit(data: LabelledData<Out> | DataSource<Out>, options: FitOptions<Out> = {}): Promise<History<Out>> {
    // Not `async`: nothing that waits for training to end shall keep the data alive until then.
    return this.#trainings.fit(data, options);
  }

  /**
   * Looks for a learning rate: trains a copy of the model for some steps, while the learning rate rises from one that changes
   * nothing to one that makes the loss explode, where it ends (Smith 2017). The model stays as it is.
   *
   * The suggestion is where the loss falls most steeply: a good first try as a constant learning rate, and as the `peak` of a
   * one-cycle schedule. Look at the picture: the loss should fall well before it rises.
   *
   * @param data as for {@link fit}
   * @param options what to search and how to train; a signal ends the search early
   * @returns the learning rates, their losses, a suggestion, and a picture
   * @throws {GatewiseError} as {@link fit}, but never `model_busy`
   *
   * @example
   * ```ts
   * const range = await model.findLearningRate({ x, shape: [1000, 24, 5], targets: labels }, { batchSize: 64 });
   * await writeFile("range.svg", range.toSvg());
   * const learningRate = { schedule: "one-cycle", peak: range.suggestion ?? 1e-3 } as const;
   * await model.fit({ x, shape: [1000, 24, 5], targets: labels }, { optimizer: { kind: "adam", learningRate } });
   * ```
   */
  async findLearningRate(data: LabelledData<Out>, options: LearningRateSearch<Out> = {}): Promise<LearningRateRange> {
    this.#core.assertAlive();
    return findLearningRate(this.#core, prepareLabelled(data, this.#expected), options);
  }

  /**
   * The same as a loop that is the caller's: each turn is a crossing into the core of some 50 ms, after which the model has the
   * weights so far. Leaving the loop ends the training, and the model keeps them. Training begins with the first turn.
   *
   * @param data as for `fit`
   * @param options as for `fit`
   * @returns what each crossing did, with the mean `loss` of its steps; a generator, whose return value is the history
   * @throws {GatewiseError} as `fit`, from the loop
   *
   * @example
   * ```ts
   * for await (const { epoch, step, loss } of model.training(data, { epochs: 50 })) {
   *   console.log(epoch, step, loss);
   *   if (loss < 0.01) break;
   * }
   * ```
   */
  training(
    data: LabelledData<Out> | DataSource<Out>,
    options: FitOptions<Out> = {},
  ): AsyncGenerator<TrainingStep<Out>, History<Out>, undefined> {
    return this.#trainings.stepwise(data, options);
  }

  /**
   * How raw rows become what this model reads: the fitted pipeline that its training data came from, as plain data. It is saved
   * in the model's file, and `predict({ rows })` applies it. Undefined where the data came from no pipeline.
   */
  get preprocessing(): SavedPipeline | undefined {
    return this.#trainings.preprocessing;
  }

  /**
   * How well the model does on data whose targets are known. Gives the event loop its turn some twenty times a second.
   *
   * Weights weigh the loss, which knows nothing of what `fit` was told of its own; in every other figure each target counts
   * alike, but for those that weigh 0.
   *
   * @param data [n, steps, features] and the targets; or raw rows as `{ rows }`, where the model was trained on what a pipeline
   * gave: then what it tells of values is in the units of the target's scale
   * @param options the states that the sequences begin from and come to
   * @returns of classes the loss, accuracy, F1, area under the ROC curve and confusion matrix; of classes at each step the
   * loss, accuracy and perplexity; of labels the loss, exact matches and F1; of values the loss, MAE, RMSE and R²
   * @throws {GatewiseError} `model_disposed`, `invalid_option`, `shape_mismatch`, `not_finite`, `empty_data`,
   * `unknown_class`, `invalid_target`, `invalid_length`, `shared_buffer`, `out_of_memory`
   *
   * @example
   * ```ts
   * const { accuracy, auc } = await model.evaluate({ x, shape: [200, 24, 5], targets: labels });
   * ```
   */
  async evaluate(data: LabelledData<Out> | RawRows, options: ReadOptions = {}): Promise<Report<Out>> {
    if (isRawRows(data)) return this.#reader.evaluateRows(data, this.preprocessing, options);
    return this.#reader.evaluate(data, options);
  }

  /**
   * What the model predicts for each sequence: a class, labels or values; where it has an output for each step, a list of
   * them, one for each valid step. Gives the event loop its turn some twenty times a second.
   *
   * @param data [n, steps, features]
   * @returns [n] one prediction a sequence
   * @throws {GatewiseError} `model_disposed`, `invalid_option`, `shape_mismatch`, `not_finite`, `empty_data`,
   * `invalid_length`, `shared_buffer`, `out_of_memory`
   *
   * @example
   * ```ts
   * const [first] = await model.predict({ x, shape: [1, 24, 5] });
   * console.log(first.label, first.probabilities.returning);
   * ```
   */
  predict(data: Sequences, options?: ReadOptions): Promise<Prediction<Out>[]>;
  /**
   * The same for raw rows: the pipeline that the model was trained with makes samples of them.
   *
   * @param data a table or a list of objects as `rows`, `cutOffs` instead of the pipeline's, and whether the `latest` sample of
   * each group is all that is wanted
   * @returns one prediction a sample, with its group and time
   * @throws {GatewiseError} as above; `invalid_option` where the model knows no pipeline; `invalid_data` with row and column
   *
   * @example
   * ```ts
   * const rows = [{ customer: 7, time: "2011-09-01", value: 20 }, { customer: 7, time: "2011-09-09", value: 12 }];
   * for (const { group, time, prediction } of await model.predict({ rows, cutOffs: "2011-09-16" })) {
   *   console.log(group, new Date(time), prediction.label);
   * }
   * ```
   */
  predict(data: RawRows, options?: ReadOptions): Promise<RowPrediction<Out>[]>;
  async predict(data: Sequences | RawRows, options: ReadOptions = {}): Promise<Prediction<Out>[] | RowPrediction<Out>[]> {
    if (isRawRows(data)) return this.#reader.predictRows(data, this.preprocessing, options);
    return this.#reader.predict(data, options);
  }

  /**
   * The states of n sequences before their first step, all zero, for `predict`, `evaluate` and `run` to begin from and to
   * leave what the sequences have come to. They hold no memory of the model's.
   *
   * @param n sequences
   * @throws {GatewiseError} `invalid_option`, `model_disposed`
   *
   * @example
   * ```ts
   * const states = model.states(1);
   * for (const { x, shape } of parts) await model.predict({ x, shape }, { states }); // each goes on where the last has ended
   * ```
   */
  states(n: number): States {
    this.#core.assertAlive();
    return new States(this.#core.description.states, n);
  }

  /**
   * The predictions for a batch as numbers, at once and without allocating arrays: for servers that keep their arrays.
   *
   * @param inputs what the model reads; the number of steps follows from the arrays' lengths and n
   * @param y receives the numbers, and n follows from its length: the probabilities [n, classes] or [n, labels], or the
   * values [n, steps ahead, values, quantiles]. Where there is an output for each step, [n, steps, …], zero in the padding,
   * and n is the number of `lengths`, or without them of rows of `statics` or of `states`: without all there is one sequence
   * @returns `y`
   * @throws {GatewiseError} `model_disposed`, `invalid_option`, `shape_mismatch`, `not_finite`, `empty_data`,
   * `unknown_token`, `invalid_length`, `shared_buffer` (also if `y` overlaps another argument), `out_of_memory`
   *
   * @example
   * ```ts
   * const tokens = new Uint32Array(24), y = new Float32Array(2);
   * model.run({ tokens }, y); // one sequence, two classes: y is [p("lapsed"), p("returning")]
   * ```
   */
  run(inputs: RunInputs, y: Float32Array): Float32Array;
  /**
   * The same for a model that reads numbers alone.
   *
   * @param x [n, steps, features]
   * @param y receives the numbers
   * @param lengths [n] how many steps of each sequence count; all of them unless given
   * @returns `y`
   * @throws {GatewiseError} as above
   *
   * @example
   * ```ts
   * const x = new Float32Array(24 * 5), y = new Float32Array(2);
   * model.run(x, y);
   * ```
   */
  run(x: Float32Array, y: Float32Array, lengths?: Uint32Array): Float32Array;
  run(inputs: RunInputs | Float32Array, y: Float32Array, lengths?: Uint32Array): Float32Array {
    this.#core.assertAlive();
    runInto(y, runArrays(inputs, lengths), this.#core, this.#expected);
    return y;
  }

  /**
   * A sequence that arrives step by step.
   *
   * @param options `statics` [statics]: the numbers of the whole sequence, where the model reads some
   * @throws {GatewiseError} `model_disposed`, `out_of_memory`; `invalid_definition` if the model needs the whole sequence: if
   * a layer is bidirectional, or the output pools steps (`at` is `"mean"`, `"max"` or `"attention"`); `invalid_option`,
   * `shape_mismatch`, `not_finite`, `shared_buffer` for the statics
   *
   * @example
   * ```ts
   * const stream = model.stream();
   * const { label } = stream.next(new Float32Array([0.1, 0.2, 0.3, 0.4, 0.5]));
   * ```
   */
  stream(options: StreamOptions = {}): Stream<Out> {
    return new Stream<Out>(this.#core, options);
  }

  /**
   * Every parameter by its PyTorch name, copied: `layers.0.weight_ih_l0` [4·units, inputs], …, `output.bias` [classes]; attention's
   * `attention.weight` [units, outputs], `attention.bias` and `attention.score` [units].
   * Gates are in PyTorch's order: input, forget, cell, output.
   *
   * @throws {GatewiseError} `model_disposed`
   *
   * @example
   * ```ts
   * const { shape, data } = model.parameters()["output.weight"];
   * ```
   */
  parameters(): Record<string, Tensor> {
    return namedTensors(this.#core.description.tensors, this.#core.weights);
  }

  /**
   * Puts the weights of a state dict into the model, as PyTorch's `load_state_dict` does: all of them at once, or none. Names are
   * ours, or those of PyTorch's modules: `nn.LSTM`, `nn.GRU`, `nn.RNN` and their cells, `nn.Embedding`, `nn.Linear` and
   * `nn.LayerNorm`, which `map` gives their places; those that it does not name are placed by their kinds and sizes where these
   * leave no choice. Layer 2 of a stack, `rnn.weight_ih_l2`, is our `layers.2`. Prefixes of wrappers (`module.`, `_orig_mod.`)
   * are taken off.
   *
   * @param source a safetensors or `.pt` file, told by its first bytes: a path (in browsers: an address to fetch) or what it holds;
   * or tensors by name, such as another model's `parameters()`. Their numbers are rounded to f32
   * @param options where modules belong, and whether missing and unexpected tensors are an error
   * @returns what was missing, and what was not expected: nothing unless `strict` is false
   * @throws {GatewiseError} `state_mismatch` with all missing and unexpected tensors and all other shapes; `not_finite` unless
   * `allowNotFinite`; `model_busy` while the model trains; `model_disposed`; `invalid_option` where `map` names what is not there; `invalid_file`,
   * `unsafe_file`, `file_access`, `shape_mismatch`, `shared_buffer`. The model is as it was before
   *
   * @example
   * ```ts
   * await model.loadStateDict("speakers.safetensors", { map: { rnn: "layers", fc: "output" } });
   * await model.loadStateDict(parts, { map: { "encoder.lstm1": "layers.0", "encoder.lstm2": "layers.1" } });
   * const { missing } = await model.loadStateDict("encoder.pt", { strict: false }); // [ 'output.weight', 'output.bias' ]
   * await model.loadStateDict(teacher.parameters());
   * ```
   */
  async loadStateDict(source: FileSource | GivenTensors, options: LoadStateOptions = {}): Promise<LoadedState> {
    this.#trainings.assertIdle();
    const staged = await readStateDict(this.#core, source, options);
    // A training may have begun meanwhile.
    this.#trainings.assertIdle();
    commitStateDict(this.#core, staged);
    return { missing: staged.missing, unexpected: staged.unexpected };
  }

  /**
   * Every tensor, copied, by the names that PyTorch's modules have: `load_state_dict` takes them. Layers that are alike, with
   * nothing between them, are one module, `rnn.weight_ih_l0`, `rnn.weight_ih_l1`, …; else each is one of a list, `rnn.0.weight_ih_l0`,
   * `rnn.1.weight_ih_l0`, …
   *
   * @param options what modules are called: `rnn` and `head` unless given
   * @throws {GatewiseError} `not_expressible` where a layer computes what no module of PyTorch's does, such as peepholes;
   * `invalid_option`; `model_disposed`
   *
   * @example
   * ```ts
   * const tensors = await model.stateDict({ map: { lstm: "layers", fc: "output" } });
   * console.log(Object.keys(tensors)); // [ 'lstm.weight_ih_l0', …, 'fc.weight', 'fc.bias' ]
   * ```
   */
  stateDict(options: StateDictOptions = {}): Promise<Record<string, Tensor>> {
    return stateDictOf(this.#core, options);
  }

  /**
   * A table of the model's layers: what leaves each, how many numbers it learns, how many multiplications with an addition one
   * step of one sequence takes, and whether all of a layer is fused into one time loop of kernels (`path`). Below it the memory
   * that training takes beside the data.
   *
   * @param options the batches and the optimiser whose training's memory is told
   * @throws {GatewiseError} `model_disposed`, `invalid_option`, `out_of_memory`
   *
   * @example
   * ```ts
   * console.log(model.summary({ batchSize: 64, steps: 28, optimizer: { kind: "sgd" } }));
   * ```
   */
  summary(options: SummaryOptions = {}): string {
    return summaryTable(this.#core.summarise(...summarised(options)));
  }

  /**
   * The model as a safetensors file, its definition inside: `loadModel` reads it on either backend.
   *
   * @throws {GatewiseError} `model_disposed`, `out_of_memory`
   */
  save(): Promise<Uint8Array>;
  /**
   * The same written to a file. Who reads it meanwhile sees the old file or the new one, never half of either.
   *
   * @param location where; what stands there is replaced
   * @throws {GatewiseError} `file_access` if it cannot be written, as in browsers, which have no files; `model_disposed`
   *
   * @example
   * ```ts
   * await model.save("orders.safetensors");
   * ```
   */
  save(location: string | URL): Promise<void>;
  async save(location?: string | URL): Promise<Uint8Array | void> {
    const bytes = this.#core.save();
    return location === undefined ? bytes : writeModelFile(location, bytes);
  }

  /**
   * Frees the model at once. A `fit` under way ends after the crossing it is in and resolves as aborted; every other call
   * from now on fails with `model_disposed`. More than once does no harm.
   */
  dispose(): void {
    this.#core.dispose();
  }

  /** Frees the model when a `using` declaration goes out of scope. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}
