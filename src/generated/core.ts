// Generated from the Rust core's structs by `npm run types`: change those instead.

/** A network: what goes in, the recurrent layers from the input upwards, what comes out. */
export type ModelDefinition = {
  /** What a step of a sequence looks like. */
  input: InputDefinition,
  /** The recurrent layers, the one nearest to the input first: 1 to 64. */
  layers: Array<LayerDefinition>,
  /** What the model predicts. */
  output: OutputDefinition,
  /** Every random number of this model comes from this seed. 0 unless given. */
  seed?: number,
};

/** What a step of a sequence looks like. */
export type InputDefinition = {
  /** Numbers a step: 1 to 65,536. */
  features: number,
  /** How numbers are scaled before the first layer. `"none"` unless given. */
  scaling?: Scaling,
};

/** How the input's numbers are scaled. What is fitted is saved with the model and applied wherever data enters. */
export type Scaling =
  /** As they come. */
  | "none"
  /**
   * Each feature minus its mean, over its standard deviation: both taken from the training data's valid steps
   * when `fit` first runs, and kept from then on.
   */
  | "standard";

/** One recurrent layer. Without options it is the plain layer, whose numbers are PyTorch's. */
export type LayerDefinition = {
  /** The recurrence. */
  cell: Cell,
  /** Hidden units: 1 to 4,096. */
  units: number,
  /**
   * Whether a second set of the same units reads each sequence backwards, from its own last step to its first. The
   * layer gives both directions' states side by side. False unless given.
   */
  bidirectional?: boolean,
  /** Whether the layer has biases. True unless given. */
  bias?: boolean,
  /**
   * LSTM: numbers that the hidden state is projected to, fewer than the units (Sak et al. 2014; `proj_size` in
   * PyTorch). No projection unless given.
   */
  projection?: number,
  /** LSTM: whether the gates see the cell state, each unit its own (Gers and Schmidhuber 2000). False unless given. */
  peepholes?: boolean,
  /**
   * LSTM: whether each gate's pre-activations, and the cell state on its way out, are normalised over the units (Ba et
   * al. 2016). False unless given.
   */
  layerNorm?: boolean,
  /** LSTM: whether the forget gate is 1 less the input gate (Greff et al. 2017). False unless given. */
  coupledGates?: boolean,
  /** LSTM: the size, above 0, that no number of the cell state grows beyond. No limit unless given. */
  cellClip?: number,
  /** LSTM: the function of the input, forget and output gates. `"sigmoid"` unless given. */
  gateActivation?: GateActivation,
  /** GRU: where the reset gate stands. `"after"` unless given. */
  reset?: Reset,
  /** Simple RNN: the function of the hidden state. `"tanh"` unless given. */
  activation?: Activation,
  /**
   * The part of the hidden state that training drops on its way into the gates, the same at every step of a sequence
   * (Gal and Ghahramani 2016; `recurrent_dropout` in Keras). From 0 to below 1; 0 unless given.
   */
  recurrentDropout?: number,
  /**
   * The part of the recurrent weights that training drops, the same for a whole batch (DropConnect: Wan et al. 2013,
   * Merity et al. 2018). From 0 to below 1; 0 unless given.
   */
  weightDropout?: number,
  /** The parts of the states that keep their value of the step before (Krueger et al. 2017). None unless given. */
  zoneout?: Zoneout,
};

/** The recurrence of a layer. */
export type Cell =
  /** Long short-term memory (Hochreiter and Schmidhuber 1997) with a forget gate (Gers et al. 2000). */
  | "lstm"
  /** Gated recurrent unit (Cho et al. 2014). */
  | "gru"
  /** The simple recurrent network (Elman 1990): `h = tanh(W x + b + U h)`. */
  | "rnn";

/** The function of an LSTM's input, forget and output gates. */
export type GateActivation =
  /** 1 / (1 + e⁻ˣ) */
  | "sigmoid"
  /** x / 6 + 1/2, between 0 and 1: `hard_sigmoid` in Keras 3 and in PyTorch. */
  | "hard_sigmoid"
  /** x / 5 + 1/2, between 0 and 1: `hard_sigmoid` in Keras 2, and ONNX's default. */
  | "hard_sigmoid_fifth";

/** Where a GRU's reset gate stands. */
export type Reset =
  /** After the product: `n = tanh(W x + b + r ∘ (U h + b))`, as in PyTorch and cuDNN. */
  | "after"
  /** Before the product: `n = tanh(W x + b + U (r ∘ h) + b)`, as in the paper. */
  | "before";

/** The function of a simple RNN's hidden state. */
export type Activation =
  /** (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ) */
  | "tanh"
  /** max(x, 0) */
  | "relu";

/**
 * The parts of the states that keep their value of the step before: drawn anew for each number and step in training, and
 * as an expectation in prediction.
 */
export type Zoneout = {
  /** Of the hidden state. From 0 to below 1; 0 unless given. */
  hidden?: number,
  /** LSTM: of the cell state. From 0 to below 1; 0 unless given. */
  cell?: number,
};

/** What the model predicts, from the last valid step of each sequence. */
export type OutputDefinition = {
  /**
   * The classes' names: 2 to 4,096, none empty, no two alike. With two classes, the second is the positive one in
   * reports.
   */
  classes: Array<string>,
};

/** How to train. Every field may be left out. */
export type TrainingOptions = {
  /** Passes over the training data: 1 to 1,000,000. 10 unless given. */
  epochs?: number,
  /** Samples a step, 1 to 1,048,576; the last batch of an epoch holds what is left. 32 unless given. */
  batchSize?: number,
  /** Whether each epoch sees the samples in a new order, drawn from the model's seed. True unless given. */
  shuffle?: boolean,
  /** How gradients become steps. Adam unless given. */
  optimizer?: OptimizerOptions,
  /**
   * Gradients whose norm over all parameters is larger than this, which is above 0, are scaled down to it. No
   * clipping unless given.
   */
  clipNorm?: number,
};

/** An optimiser and its settings. */
export type OptimizerOptions = {
  "kind": "adam",
  /** Step size, above 0. 0.001 unless given. */
  learningRate?: number,
  /** Decay of the mean of gradients, from 0 to below 1. 0.9 unless given. */
  beta1?: number,
  /** Decay of the mean of squared gradients, from 0 to below 1. 0.999 unless given. */
  beta2?: number,
  /** Added to the root of the mean of squares, above 0. 1e-8 unless given. */
  epsilon?: number,
};

/** How a model may use the machine it runs on. */
export type MachineOptions = {
  /**
   * Threads to work with: 1 to 256. As many as the machine makes worthwhile unless given. Results do not depend on
   * it.
   */
  threads?: number,
};

/** What one crossing into the core did. */
export type TrainingProgress = {
  /** Steps done since `fit` began. */
  step: number,
  /** Steps that `fit` will do in all. */
  totalSteps: number,
  /** The epoch under way, from 1. */
  epoch: number,
  /** Epochs in all. */
  totalEpochs: number,
  /** The mean loss of each batch of this crossing, as it was before its step. */
  losses: Array<number>,
  /** The epochs that ended in this crossing. */
  epochs: Array<EpochReport>,
  /** Batches worked through in this crossing, validation's among them. */
  batches: number,
  /** Whether the last epoch has ended. */
  finished: boolean,
};

/** One pass over the training data. */
export type EpochReport = {
  /** Counted from 1. */
  epoch: number,
  /** Mean cross-entropy over the epoch's samples, in nats, each taken before its batch's step. */
  loss: number,
  /** Part of the epoch's samples whose most probable class was the right one, likewise. */
  accuracy: number,
  /** The same over the validation data, after the epoch; null where none was given. */
  validation: ValidationReport | null,
};

/** Loss and accuracy over the validation data. */
export type ValidationReport = {
  /** Mean cross-entropy, in nats. */
  loss: number,
  /** Part of the samples whose most probable class is the right one. */
  accuracy: number,
};

/** How well predicted classes fit the true ones. */
export type ClassificationReport = {
  /** Samples. */
  samples: number,
  /** Mean cross-entropy, in nats. */
  loss: number,
  /** Part of the samples whose most probable class is the right one. */
  accuracy: number,
  /** Mean over the classes of the part that was found; classes without a sample do not count. */
  balancedAccuracy: number,
  /** Two classes: of the second. More: the mean over the classes that have a sample or a prediction. */
  f1: number,
  /**
   * Area under the ROC curve. Two classes: of the second. More: the mean over classes, each against the rest.
   * Null where a class has no sample or nothing else has.
   */
  auc: number | null,
  /** `confusion[t][p]`: samples of class `t` that were taken for class `p`. */
  confusion: Array<Array<number>>,
};

/** What a layer by itself is told beside its definition, and what a model knows of its layers. */
export type LayerOptions = {
  /** Numbers a step that go in: 1 to 65,536. */
  inputs: number,
  /** The first weights come from this seed, and are those of the first layer of a model of the same seed. 0 unless given. */
  seed?: number,
};

/** A model as it stands: what it is, what it runs on, and what its weights are. */
export type ModelDescription = {
  /** The definition, with every default filled in but those of a layer's options. */
  definition: ModelDefinition,
  /** The instruction set that this model's kernels run on. */
  isa: string,
  /** Threads that work on a batch. */
  threads: number,
  /** Every tensor, in the order of the flat vector of weights. */
  tensors: Array<Tensor>,
  /** How many of the numbers in them are trained. */
  parameters: number,
};

/** A layer by itself as it stands. */
export type LayerDescription = {
  /** The definition, with every default filled in but those of the options. */
  definition: LayerDefinition,
  /** Numbers a step that go in. */
  inputs: number,
  /** 1, or 2 for a bidirectional layer. */
  directions: number,
  /** Numbers of a direction's hidden state. */
  hiddenSize: number,
  /** Numbers of a direction's cell state; 0 unless the layer is an LSTM. */
  cellSize: number,
  /** The instruction set that this layer's kernels run on. */
  isa: string,
  /** Threads that work on a batch. */
  threads: number,
  /** Every tensor, in the order of the flat vector of weights. */
  tensors: Array<Tensor>,
  /** How many numbers are in them. */
  parameters: number,
};

/** One named tensor, row-major. */
export type Tensor = {
  /** The name under which files and `parameters()` hold it: `layers.0.weight_ih_l0`, `output.bias`. */
  name: string,
  /** Its sizes, the outermost first. */
  shape: Array<number>,
  /** Where it begins in the flat vector, in numbers. */
  offset: number,
  /** How many numbers it holds: the product of its shape. */
  length: number,
  /** Whether training changes it. What is not trained is fitted once, as the input's scaling is. */
  trained: boolean,
};

/** What this build finds on the machine it runs on. */
export type MachineDescription = {
  /** The instruction set that kernels run on: the best of all, unless another is forced. */
  isa: string,
  /** Every instruction set that this build has kernels for and this machine can run. */
  instructionSets: Array<string>,
  /** Threads that are used unless `MachineOptions` says otherwise. */
  threads: number,
};

/** What went wrong, as a name that stays the same from release to release. */
export type ErrorCode =
  /** A definition or an option has a missing, unknown or impossible value. */
  | "invalid_definition"
  /** An option of a call has an impossible value. */
  | "invalid_option"
  /** An array's rank, length or number of features is not what the model expects. */
  | "shape_mismatch"
  /** A number is NaN or infinite. */
  | "not_finite"
  /** There is no sample to work on. */
  | "empty_data"
  /** A target is not one of the classes. */
  | "unknown_class"
  /** A sequence's length is zero or beyond the steps of its array. */
  | "invalid_length"
  /** Two arrays that must be apart share memory, or one lies in shared memory. */
  | "shared_buffer"
  /** A file is truncated, damaged or not one of Gatewise's. */
  | "invalid_file"
  /** A file or folder could not be read or written. */
  | "file_access"
  /** There is not enough memory for what was asked. */
  | "out_of_memory"
  /** The model is training: it cannot be changed before `fit` ends. */
  | "model_busy"
  /** The model was disposed of. */
  | "model_disposed"
  /** The backend that was asked for is not there. */
  | "backend_unavailable"
  /** A defect of Gatewise itself. The model goes on with its last committed weights. */
  | "internal_error";
