// The contract that both bindings fulfil (docs/architecture.md): the same names, the same arguments, numbers as typed
// arrays, the rest as JSON. Types only. Errors are thrown with the JSON of the core's error as their message.

/** A model in the core: its parameters and room to run sequences through them. */
export interface BindingModel {
  /** JSON of `ModelDescription`. */
  describe(): string;
  /** JSON of `ModelSummary`, with the memory that training in such batches with such an optimiser takes: JSON of its options. */
  summarise(batchSize: number, steps: number, optimizer: string): string;
  /** Every tensor of `describe().tensors`, one after the other, copied. A call of another method that failed changes nothing of it. */
  weights(): Float32Array;
  /** Replaces them all: by finite numbers, unless `allowNotFinite`. */
  commit(weights: Float32Array, allowNotFinite: boolean): void;
  /**
   * Fills `y` with predictions for `x` [n, steps, features], `tokens` [n, steps] and `statics` [n, statics], each of which is
   * undefined where the model does not read it. [n, K]: n and the steps follow from the lengths of arrays. Where there is an
   * output at each step [n, steps, K], n is the number of `lengths`, without them of rows of statics, else 1.
   */
  run(
    x: Float32Array | undefined,
    tokens: Uint32Array | undefined,
    statics: Float32Array | undefined,
    lengths: Uint32Array | undefined,
    states: Float32Array,
    y: Float32Array,
  ): void;
  /** Predictions that will be held to their targets part by part; returns its number. */
  openEvaluation(): number;
  /** Adds predictions as `run` gives them, and either classes or numbers. `lengths` are needed where there is one at each step. */
  addToEvaluation(
    evaluation: number,
    predictions: Float32Array,
    lengths: Uint32Array | undefined,
    classes: Uint32Array | undefined,
    numbers: Float32Array | undefined,
    weights: Float32Array | undefined,
  ): void;
  /** JSON of the report that the output has. */
  closeEvaluation(evaluation: number): string;
  /** The state that a sequence with these `statics` [statics] begins from; returns its number. */
  openStream(statics: Float32Array | undefined): number;
  /** Takes one step of `x` [features] and a token, where the model reads them; fills `y` [K]. */
  nextStep(stream: number, x: Float32Array | undefined, token: number | undefined, y: Float32Array): void;
  resetStream(stream: number): void;
  closeStream(stream: number): void;
  /** Text that is saved with the model and that `describe` tells: how raw rows become what it reads. */
  setPreprocessing(text: string | undefined): void;
  /** The model as a safetensors file. */
  save(): Uint8Array;
  dispose(): void;
}

/** A model's file on its way into the core. What of it can be checked without its numbers is checked when this is made. */
export interface BindingLoading {
  /** Where the bytes begin that `take` wants: right after the header. */
  begin(): number;
  /** The bytes that follow, as many as there are. */
  take(bytes: Uint8Array): void;
  /** The model, when all of them were taken; once. */
  finish(machine: string): BindingModel;
  dispose(): void;
}

/** Training in the core: a copy of the weights, the data, gradients and moments. Apart from any model. */
export interface BindingTrainer {
  /** `x` [n, steps, features], `tokens` [n, steps], `statics` [n, statics], and either classes or numbers. */
  setTraining(...data: BindingData): void;
  setValidation(...data: BindingData): void;
  /** In the place of `setTraining`: the data comes in chunks of so many samples. */
  setChunks(sizes: Uint32Array): void;
  /** The chunk that the progress asks for; the one before is let go. */
  setChunk(chunk: number, ...data: BindingData): void;
  /**
   * Before `start`: begins with what an optimiser knew, JSON of `OptimizerContents` and the numbers of its tensors, one after the
   * other.
   */
  setOptimizer(contents: string, numbers: Float32Array): void;
  /** What the optimiser knows after the last step, in the same form. */
  optimizer(): string;
  optimizerNumbers(): Float32Array;
  /** Fits the scaling if it is not fitted yet; JSON of `TrainingProgress`. */
  start(): string;
  /** In the place of `start`: goes on from a checkpoint; JSON of `TrainingProgress` with all losses and epochs so far. */
  resume(file: Uint8Array): string;
  /** The run between two steps, as a safetensors file. */
  checkpoint(): Uint8Array;
  /** Works through that many batches; JSON of `TrainingProgress`. */
  advance(batches: number): string | Promise<string>;
  /** Fills `y` with every tensor, one after the other. */
  weights(y: Float32Array): void;
  /** The same of the epoch that was best on the validation data. */
  bestWeights(y: Float32Array): void;
  dispose(): void;
}

/** Sequences and their targets, as arguments. */
export type BindingData = readonly [
  x: Float32Array | undefined,
  tokens: Uint32Array | undefined,
  statics: Float32Array | undefined,
  steps: number,
  lengths: Uint32Array | undefined,
  classes: Uint32Array | undefined,
  numbers: Float32Array | undefined,
  weights: Float32Array | undefined,
];

/** A layer by itself in the core: n sequences, D directions, H hidden units, C cell states (0 unless an LSTM). */
export interface BindingLayer {
  /** JSON of `LayerDescription`. */
  describe(): string;
  /** Every tensor of `describe().tensors`, one after the other. */
  weights(): Float32Array;
  /** Replaces them all. */
  commit(weights: Float32Array): void;
  /**
   * Fills `hidden` [n, steps, D·H], `finalHidden` [D, n, H] and `finalCell` [D, n, C]; the initial states' shapes are the latter
   * two's. The masks, [D, n, H], [n, steps, D·H], [n, steps, D·C] and [D, G·U, H], count where they are what `dropping` says.
   */
  forward(
    x: Float32Array,
    steps: number,
    lengths: Uint32Array | undefined,
    initialHidden: Float32Array | undefined,
    initialCell: Float32Array | undefined,
    dropping: "expected" | "drawn" | "given",
    recurrent: Float32Array | undefined,
    keepHidden: Float32Array | undefined,
    keepCell: Float32Array | undefined,
    weight: Float32Array | undefined,
    hidden: Float32Array,
    finalHidden: Float32Array,
    finalCell: Float32Array,
  ): void;
  /** From gradients of what `forward` filled to those of what it read; once a forward pass. */
  backward(
    hidden: Float32Array | undefined,
    finalHidden: Float32Array | undefined,
    finalCell: Float32Array | undefined,
    x: Float32Array,
    weights: Float32Array,
    initialHidden: Float32Array,
    initialCell: Float32Array,
  ): void;
  dispose(): void;
}

/** What a binding exports. `definition`, `machine` and `options` are JSON. */
export interface BindingModule {
  readonly Model: new (definition: string, machine: string) => BindingModel;
  /** `beginning` is what a file of `fileLength` bytes begins with: all of its header at least. */
  readonly Loading: new (beginning: Uint8Array, fileLength: number) => BindingLoading;
  readonly Trainer: new (definition: string, machine: string, weights: Float32Array, options: string) => BindingTrainer;
  readonly Layer: new (definition: string, options: string, machine: string) => BindingLayer;
  /** JSON of `MachineDescription`. */
  machine(): string;
  /** JSON of `FileHeader`: of a safetensors file's first 8 bytes and the header whose length they tell. */
  readHeader(beginning: Uint8Array, fileLength: number): string;
  /**
   * What a safetensors file begins with, from JSON of its tensors' names, types and shapes, and of its metadata; `readHeader`
   * of it tells in which order the tensors' bytes follow.
   */
  writeHeader(json: string): Uint8Array;
}
