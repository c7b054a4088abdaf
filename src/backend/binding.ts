// The contract that both bindings fulfil (docs/architecture.md): the same names, the same arguments, numbers as typed
// arrays, the rest as JSON. Types only. Errors are thrown with the JSON of the core's error as their message.

/** A model in the core: its parameters and room to run sequences through them. */
export interface BindingModel {
  /** JSON of `ModelDescription`. */
  describe(): string;
  /** Every tensor of `describe().tensors`, one after the other. */
  weights(): Float32Array;
  /** Replaces them all. */
  commit(weights: Float32Array): void;
  /** Fills `y` [n, classes] with probabilities; n and the steps of `x` [n, steps, features] follow from the two lengths. */
  run(x: Float32Array, lengths: Uint32Array | undefined, y: Float32Array): void;
  /** JSON of `ClassificationReport` for `probabilities` [n, classes] and `targets` [n]. */
  report(probabilities: Float32Array, targets: Uint32Array): string;
  /** A new state, all zeros; returns its number. */
  openStream(): number;
  /** Takes one step of `features` [features]; fills `y` [classes]. */
  nextStep(stream: number, features: Float32Array, y: Float32Array): void;
  resetStream(stream: number): void;
  closeStream(stream: number): void;
  /** The model as a safetensors file. */
  save(): Uint8Array;
  dispose(): void;
}

/** Training in the core: a copy of the weights, the data, gradients and moments. Apart from any model. */
export interface BindingTrainer {
  setTraining(x: Float32Array, steps: number, lengths: Uint32Array | undefined, targets: Uint32Array): void;
  setValidation(x: Float32Array, steps: number, lengths: Uint32Array | undefined, targets: Uint32Array): void;
  /** Fits the scaling if it is not fitted yet. */
  start(): void;
  /** Works through that many batches; JSON of `TrainingProgress`. */
  advance(batches: number): string | Promise<string>;
  /** Fills `y` with every tensor, one after the other. */
  weights(y: Float32Array): void;
  dispose(): void;
}

/** A layer by itself in the core: n sequences, D directions, H hidden units, C cell states (0 unless an LSTM). */
export interface BindingLayer {
  /** JSON of `LayerDescription`. */
  describe(): string;
  /** Every tensor of `describe().tensors`, one after the other. */
  weights(): Float32Array;
  /** Replaces them all. */
  commit(weights: Float32Array): void;
  /** Fills `hidden` [n, steps, D·H], `finalHidden` [D, n, H] and `finalCell` [D, n, C]; the initial states' shapes are the latter two's. */
  forward(
    x: Float32Array,
    steps: number,
    lengths: Uint32Array | undefined,
    initialHidden: Float32Array | undefined,
    initialCell: Float32Array | undefined,
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
  readonly Model: {
    new (definition: string, machine: string): BindingModel;
    load(file: Uint8Array, machine: string): BindingModel;
  };
  readonly Trainer: new (definition: string, machine: string, weights: Float32Array, options: string) => BindingTrainer;
  readonly Layer: new (definition: string, options: string, machine: string) => BindingLayer;
  /** JSON of `MachineDescription`. */
  machine(): string;
}
