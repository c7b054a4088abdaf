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
  /** The weights that the model starts with. Those of the scheme `"gatewise"` unless given. */
  initialisation?: InitialisationDefinition,
};

/**
 * What a sequence is made of: numbers at each step, a token at each step, or both; and numbers that hold for all of it.
 * A step's input is its `features` numbers, then its token's embedding, then, if they are joined there, the statics.
 */
export type InputDefinition = {
  /** Numbers a step: 1 to 65,536. None unless given. */
  features?: number,
  /** How many different tokens there are, counted from 0: 1 to 16,777,216. Each step then has one. None unless given. */
  tokens?: number,
  /** Of tokens: numbers that each is looked up as, 1 to 65,536; all are trained (`nn.Embedding` in `PyTorch`). */
  embedding?: number,
  /**
   * Of tokens: the one whose embedding is zero and stays so (`padding_idx` in `PyTorch`; there as here, an output that is
   * tied to the embeddings trains it all the same). None unless given.
   */
  padding?: number,
  /**
   * Of tokens: whether a training step changes the embeddings of its batch's tokens alone, and their moments (`sparse=True`
   * and `SparseAdam` in `PyTorch`): much less work with many tokens. Else all move by their moments. False unless given.
   */
  sparse?: boolean,
  /** Numbers that hold for a whole sequence: 1 to 65,536. None unless given. */
  statics?: number,
  /** Of statics: where they enter. `"steps"` unless given. */
  staticsAs?: StaticsAs,
  /** How numbers are scaled before the first layer, those of steps and statics. `"none"` unless given. */
  scaling?: Scaling,
};

/** Where the numbers of a whole sequence enter. */
export type StaticsAs =
  /** Beside the input of every step. */
  | "steps"
  /** A linear map of them is what every layer begins from, its initial hidden and cell states (Karpathy and Fei-Fei 2015). */
  | "states";

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
   * layer gives both directions' states, as `merge` says. False unless given.
   */
  bidirectional?: boolean,
  /** Of both directions: what becomes of their states. `"concat"` unless given. */
  merge?: Merge,
  /**
   * Whether the layer adds what it reads to what it gives, which is then as wide (He et al. 2016; Wu et al. 2016). False unless
   * given.
   */
  residual?: boolean,
  /**
   * Whether what the layer reads is normalised over its numbers at each step, before any of it is dropped (Ba et al. 2016;
   * `nn.LayerNorm` before the layer in `PyTorch`). A residual layer adds what was there before. False unless given.
   */
  inputNorm?: boolean,
  /**
   * The part of what the layer reads that training drops, drawn anew for each step (Zaremba et al. 2014; between layers,
   * `dropout` in `PyTorch`). From 0 to below 1; 0 unless given.
   */
  dropout?: number,
  /**
   * The part of what the layer reads that training drops, the same at every step of a sequence (Gal and Ghahramani 2016;
   * `dropout` in Keras). From 0 to below 1; 0 unless given.
   */
  inputDropout?: number,
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
   * The part of the recurrent weights that training drops, the same for a whole batch (`DropConnect`: Wan et al. 2013,
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

/** What a bidirectional layer makes of the states of its two directions. */
export type Merge =
  /** Both side by side, the forward direction's first. */
  | "concat"
  /** Their sum. */
  | "sum"
  /** Their mean. */
  | "mean";

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

/** What the model predicts, and from which steps. One of `classes`, `labels` and `values` says what. */
export type OutputDefinition = {
  /**
   * One of several classes; their names: 2 to 4,096, none empty, no two alike. With two classes, the second is the
   * positive one in reports. Predicts a probability each, which sum to 1 (softmax).
   */
  classes?: Array<string>,
  /**
   * Any number of several labels at once; their names: 1 to 4,096, none empty, no two alike. Predicts a probability
   * each, apart from the others (sigmoid).
   */
  labels?: Array<string>,
  /** Numbers as they are: how many, from 1 on. With `steps` and `quantiles` there may be 4,096 numbers in all. */
  values?: number,
  /** Of values: for how many steps ahead, each with its own numbers; predictions are [steps, values]. 1 unless given. */
  steps?: number,
  /**
   * Of values: predicts these quantiles of each number instead of its mean, trained by the pinball loss (Koenker and
   * Bassett 1978); predictions are [steps, values, quantiles]. Rising, each above 0 and below 1.
   */
  quantiles?: Array<number>,
  /** From which steps of the last layer the output is computed. `"last"` unless given. */
  at?: At,
  /** Of `at: "attention"`: units of its hidden layer, 1 to 4,096. As many as the last layer has outputs unless given. */
  attentionUnits?: number,
  /**
   * Of as many classes as the input has tokens: whether their embeddings are the output's weights too (Press and Wolf 2017).
   * The last layer then gives as many numbers as an embedding has. False unless given.
   */
  tied?: boolean,
  /**
   * Whether what the output reads is normalised over its numbers, after steps are pooled and before any of it is dropped (Ba et
   * al. 2016; `nn.LayerNorm` before the head in `PyTorch`). False unless given.
   */
  norm?: boolean,
  /** The part of what the output reads that training drops. From 0 to below 1; 0 unless given. */
  dropout?: number,
};

/** The steps that an output is computed from. Padding is none of them. */
export type At =
  /** The final hidden states, PyTorch's `h_n`: after the last valid step, and in reverse after the first. */
  | "last"
  /** Every step: an output for each. */
  | "each"
  /** The mean of the hidden states over the valid steps. */
  | "mean"
  /** The largest of each hidden state over the valid steps. */
  | "max"
  /** A weighted mean of the hidden states h: step t weighs softmax over t of v · tanh(W h + b) (Yang et al. 2016). */
  | "attention";

/**
 * The weights that a model starts with, all of them drawn from its seed.
 * Every kind works on one gate's map at a time: the fans of an LSTM's `weight_ih` are those of one gate, its orthogonal `weight_hh`
 * is four orthogonal matrices.
 */
export type InitialisationDefinition = {
  /** What every tensor starts with that no rule names. `"gatewise"` unless given. */
  scheme?: InitialisationScheme,
  /** What every LSTM's forget gate has as its bias in `bias_ih`, whatever the rest says. As the scheme has it unless given. */
  forgetBias?: number,
  /** What single tensors start with. Of several rules that name a tensor, the last one counts. None unless given. */
  rules?: Array<InitialisationRule>,
};

/** What all tensors of a network start with. */
export type InitialisationScheme =
  /** Orthogonal recurrent weights, other weights Glorot uniform, biases 0 but for an LSTM's forget gate's, which are 1. */
  | "gatewise"
  /**
   * As `PyTorch`'s modules draw them: weights and biases uniform, of a recurrent layer of H units between ±1/√H, of a linear map
   * of n inputs between ±1/√n; embeddings standard normal. An LSTM's forget gate is no exception.
   */
  | "pytorch";

/** What some tensors start with. Everything but `parameters` and `kind` is of the kinds that its description begins with. */
export type InitialisationRule = {
  /** Names of tensors; `*` stands for any characters, or none: `layers.0.weight_hh_l0`, `*.weight_hh*`. Each names one at least. */
  parameters: Array<string>,
  /** Where their numbers come from. */
  kind: InitialisationKind,
  /** Glorot, He, `LeCun`, orthogonal, identity: what the numbers are multiplied with, above 0. 1 unless given. */
  gain?: number,
  /** `"constant"`: the number. */
  value?: number,
  /** `"uniform"`: the largest size, above 0. */
  bound?: number,
  /** `"normal"`: the standard deviation, above 0. */
  deviation?: number,
  /** `"chrono"`: the steps over which the layer may have to remember: 2 to 16,777,216. */
  longest?: number,
};

/** Where a tensor's first numbers come from. A map takes `in` numbers to `out` numbers: one gate's, a projection, the output. */
export type InitialisationKind =
  /** What the scheme `"pytorch"` gives this tensor. */
  | "pytorch"
  /** Maps: uniform between ±√(6 / (in + out)) (Glorot and Bengio 2010). */
  | "glorot_uniform"
  /** Maps: normal with the variance 2 / (in + out). */
  | "glorot_normal"
  /** Maps: uniform between ±√(6 / in) (He et al. 2015, for `ReLU`). */
  | "he_uniform"
  /** Maps: normal with the variance 2 / in. */
  | "he_normal"
  /** Maps: uniform between ±√(3 / in) (`LeCun` et al. 1998). */
  | "lecun_uniform"
  /** Maps: normal with the variance 1 / in. */
  | "lecun_normal"
  /** Maps: rows or columns that are orthonormal, whichever are fewer (Saxe et al. 2014). */
  | "orthogonal"
  /** Maps of as many outputs as inputs: the identity (of `ReLU` networks' `weight_hh`: Le et al. 2015). */
  | "identity"
  /**
   * An LSTM's or a GRU's biases, for what it has to remember over at most T steps: the forget gate's log of a number that is uniform
   * from 1 to T − 1, the input gate's the same below 0, others 0, all of it in `bias_ih` (Tallec and Ollivier 2018).
   * With coupled gates the input gate's alone; of a GRU, whose update gate keeps the state, that gate's.
   */
  | "chrono"
  /** One number. */
  | "constant"
  /** Uniform between ±`bound`. */
  | "uniform"
  /** Normal with the mean 0. */
  | "normal";

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
   * What is minimised. What fits the output unless given: cross-entropy of classes and labels, the mean squared error
   * of values, the pinball loss of quantiles.
   */
  loss?: LossOptions,
  /**
   * Gradients whose norm over all parameters is larger than this, which is above 0, are scaled down to it (Pascanu et al.
   * 2013; `clip_grad_norm_` in PyTorch). No clipping unless given.
   */
  clipNorm?: number,
  /**
   * Each number of the gradients is brought to between minus this, which is above 0, and this (`clip_grad_value_` in
   * PyTorch). In the place of `clipNorm`. No clipping unless given.
   */
  clipValue?: number,
  /**
   * Adaptive clipping (Brock et al. 2021): where the norm of a gradient is larger than this, which is above 0, times the norm
   * of what it is the gradient of (or times 0.001, if that is larger), it is scaled down to it; 0.01 is a usual choice. Row
   * by row of matrices (the weights into one gate of one unit, the embedding of one token), and of vectors as a whole. In
   * the place of `clipNorm`. No clipping unless given.
   */
  clipAdaptive?: number,
  /**
   * This, from 0 on, times the sum of the sizes of all weights is minimised too; biases and gains do not count. Its gradient,
   * the weights' signs times this, is part of what is clipped; losses are reported without it. 0 unless given.
   */
  l1?: number,
  /**
   * The same with the sum of the squares of all weights, whose gradient is twice the weights times this (`L2` in Keras; in
   * `weightDecay` there is no 2). 0 unless given.
   */
  l2?: number,
  /**
   * Truncated back-propagation: a training step after every so many steps of the sequences, 1 to 16,777,216, each from the
   * states that the one before has come to, whose gradient goes no further back. Whole sequences unless given.
   */
  backpropagationSteps?: number,
  /**
   * Whether the s-th sequence of a batch goes on where the s-th of the batch before has ended, as parts of one long sequence;
   * each epoch begins anew (`stateful` in Keras). Takes `shuffle: false` and whole batches. False unless given.
   */
  stateful?: boolean,
  /**
   * Batches that make up one step, 1 to 65,536: its gradient is that of the mean over all their samples, as of one batch that
   * would take as many times the memory. What is left at the end of an epoch, or of a chunk of the data, is a step too. 1
   * unless given.
   */
  accumulateBatches?: number,
  /**
   * Whether batches are of sequences of similar length, which saves time where lengths differ much: each epoch's samples are
   * sorted within pools of some 50 batches, and the batches shuffled. False unless given.
   */
  bucketing?: boolean,
  /** Weights that are the mean over steps. Those of the last step unless given. */
  averaging?: AveragingOptions,
  /** When to end before the last epoch; takes validation data. Never unless given. */
  earlyStopping?: EarlyStoppingOptions,
};

/** An optimiser and its settings. Everything but the kind may be left out, and is of the kinds that its description begins with. */
export type OptimizerOptions = {
  /** Which optimiser. */
  kind: OptimizerKind,
  /** Step size, above 0, or a schedule of step sizes. 0.001 unless given; of `"rmsprop"` 0.01, of `"lion"` 0.0001. */
  learningRate?: number | LearningRateSchedule,
  /** `"sgd"`, `"rmsprop"`: the part of the last step that goes on, from 0 to below 1. 0 unless given. */
  momentum?: number,
  /** `"sgd"`: the part of a gradient that its momentum leaves out, from 0 to below 1. 0 unless given. */
  dampening?: number,
  /** `"sgd"`: whether momentum looks a step ahead (Nesterov 1983, as Sutskever et al. 2013 write it). False unless given. */
  nesterov?: boolean,
  /** `"rmsprop"`: decay of the mean of squared gradients, from 0 to below 1. 0.99 unless given. */
  alpha?: number,
  /** `"rmsprop"`: whether gradients are divided by their deviation instead of their size (Graves 2013). False unless given. */
  centered?: boolean,
  /**
   * `"adam"`, `"adamw"`, `"lion"`: decay of the mean of gradients, from 0 to below 1; of Lion, its part in a step. 0.9 unless
   * given.
   */
  beta1?: number,
  /**
   * `"adam"`, `"adamw"`: decay of the mean of squared gradients, from 0 to below 1, 0.999 unless given. `"lion"`: decay of the
   * mean of gradients, 0.99 unless given.
   */
  beta2?: number,
  /** `"rmsprop"`, `"adam"`, `"adamw"`: added to the root of the mean of squares, above 0. 1e-8 unless given. */
  epsilon?: number,
  /**
   * `"adam"`, `"adamw"`: whether steps are divided by the largest mean of squares so far (Reddi et al. 2018). False unless
   * given.
   */
  amsgrad?: boolean,
  /**
   * How fast weights shrink, from 0 on; biases and gains do not, unless a group says so. Of `"sgd"`, `"rmsprop"` and `"adam"`
   * part of the gradient (the weight times this is added to it); of `"adamw"` and `"lion"` apart from it (each step takes
   * the learning rate times this of the weight away: Loshchilov and Hutter 2019). 0 unless given; of `"adamw"` 0.01.
   */
  weightDecay?: number,
  /** Parameters that are treated otherwise than the rest. A parameter is in one group at the most. None unless given. */
  groups?: Array<ParameterGroup>,
};

/** The kinds of optimisers. */
export type OptimizerKind =
  /** Stochastic gradient descent (Robbins and Monro 1951), with momentum (Polyak 1964) if wanted. */
  | "sgd"
  /** RMSprop (Tieleman and Hinton 2012). */
  | "rmsprop"
  /** Adam (Kingma and Ba 2015). */
  | "adam"
  /** Adam with weight decay apart from the gradient (Loshchilov and Hutter 2019). */
  | "adamw"
  /**
   * Lion (Chen et al. 2023): the sign of a mean of gradients. Takes a learning rate three to ten times smaller than AdamW's,
   * and a weight decay as much larger.
   */
  | "lion";

/** Some of the parameters, by their names. */
export type ParameterGroup = {
  /** Their names, as `parameters()` has them; `*` stands for any characters: `["layers.0.*", "embedding.weight"]`. */
  parameters: Array<string>,
  /** What the learning rate is multiplied with, from 0 on. 1 unless given. */
  learningRateFactor?: number,
  /** The weight decay of all of them, biases and gains too. The optimiser's, on weights alone, unless given. */
  weightDecay?: number,
  /** Whether they stay as they are. Their gradients then do not count where gradients are clipped. False unless given. */
  frozen?: boolean,
};

/**
 * How the learning rate changes while training goes on. Everything but the schedule may be left out, and is of the schedules
 * that its description begins with. Below, t counts steps and T is the number of them, both without those of `warmup`.
 */
export type LearningRateSchedule = {
  /** Which schedule. */
  schedule: ScheduleKind,
  /** All but `"one-cycle"` and `"table"`: the learning rate that it begins with, above 0. The optimiser's default unless given. */
  rate?: number,
  /** `"polynomial"`, `"cosine"`: the learning rate that it comes down to, from 0 on. 0 unless given. */
  end?: number,
  /** `"step"`: after how many epochs the learning rate falls, at least 1. */
  every?: number,
  /**
   * `"step"`, `"exponential"`, `"plateau"`: what the learning rate is multiplied with when it falls, above 0 and at most 1, of
   * `"plateau"` below 1. 0.1 unless given; to be given for `"exponential"`.
   */
  factor?: number,
  /** `"polynomial"`: the power, above 0. 1 unless given. */
  power?: number,
  /** `"cosine"`: after how many epochs it begins anew for the first time, at least 1. Without restarts unless given. */
  restartEpochs?: number,
  /** `"cosine"` with restarts: by what each cycle is longer than the one before, at least 1. 1 unless given. */
  restartFactor?: number,
  /** `"one-cycle"`: the largest learning rate, above 0. To be given. */
  peak?: number,
  /** `"one-cycle"`: the part of all steps in which the learning rate rises, from 0 to 1. 0.3 unless given. */
  rise?: number,
  /** `"one-cycle"`: it begins with the peak divided by this, which is above 0. 25 unless given. */
  startDivisor?: number,
  /** `"one-cycle"`: it ends with what it has begun with divided by this, which is above 0. 10,000 unless given. */
  endDivisor?: number,
  /**
   * `"one-cycle"`: whether momentum falls while the learning rate rises, and rises while it falls: `beta1` of Adam, AdamW and
   * Lion, `momentum` of SGD and RMSprop where they have one. True unless given.
   */
  cycleMomentum?: boolean,
  /** `"one-cycle"`: the least momentum, from 0 to below 1. 0.85 unless given. */
  leastMomentum?: number,
  /** `"one-cycle"`: the largest momentum, from the least to below 1. 0.95 unless given. */
  largestMomentum?: number,
  /** `"plateau"`: how many epochs without a better loss are waited for before the learning rate falls. 10 unless given. */
  patience?: number,
  /**
   * `"plateau"`: the part of the best loss by which another has to be below it to be better, from 0 to below 1. 0.0001 unless
   * given.
   */
  threshold?: number,
  /** `"plateau"`: how many epochs after a fall do not count. 0 unless given. */
  cooldown?: number,
  /** `"plateau"`: the least learning rate, from 0 on. 0 unless given. */
  least?: number,
  /** `"table"`: the learning rate of each step, all from 0 on; as many as there are steps. */
  rates?: Array<number>,
  /** All but `"table"`: steps before the schedule begins, in which the learning rate rises to where it does. None unless given. */
  warmup?: Warmup,
};

/** The schedules. Their values are PyTorch's. */
export type ScheduleKind =
  /** `rate` at every step. */
  | "constant"
  /** `rate` times `factor` after every `every` epochs (`StepLR` in PyTorch). */
  | "step"
  /** `rate` times `factor` after every epoch (`ExponentialLR` in PyTorch). */
  | "exponential"
  /** end + (rate − end) (1 − t / T)^power (`PolynomialLR` in PyTorch, whose end is 0). */
  | "polynomial"
  /**
   * end + (rate − end) (1 + cos(π t / T)) / 2 (Loshchilov and Hutter 2017); with restarts, of each cycle anew
   * (`CosineAnnealingLR` and `CosineAnnealingWarmRestarts` in PyTorch).
   */
  | "cosine"
  /** Up to `peak` and down again, along cosines (Smith and Topin 2018; `OneCycleLR` in PyTorch). */
  | "one-cycle"
  /**
   * `rate`, which falls when the validation's loss, or without validation the epoch's, does not get better
   * (`ReduceLROnPlateau` in PyTorch).
   */
  | "plateau"
  /** `rates`, one a step. */
  | "table";

/**
 * Steps in which the learning rate rises evenly (Goyal et al. 2017; `LinearLR` in PyTorch), before a schedule begins. Either
 * `steps` or `epochs` is given.
 */
export type Warmup = {
  /** How many steps, at least 1. */
  steps?: number,
  /** How many epochs, at least 1. */
  epochs?: number,
  /** The part of the schedule's first learning rate that the first step has, from 0 to 1. 1/3 unless given. */
  from?: number,
};

/**
 * The mean of the weights of all steps, of which later ones count more (Polyak and Juditsky 1992; as an exponential mean,
 * `torch.optim.swa_utils.get_ema_multi_avg_fn`): after the first step the mean is that step's weights, after each later one
 * `mean = mean + (1 − decay) · (weights − mean)`. Validation, and the weights that training shows and leaves, are the mean's.
 */
export type AveragingOptions = {
  /** How much of the mean each step leaves, from 0 to below 1. 0.999 unless given. */
  decay?: number,
};

/** When training ends before its last epoch: once the validation data has been predicted no better for some epochs. */
export type EarlyStoppingOptions = {
  /** What has to become better. `loss` unless given. */
  metric?: StoppingMetric,
  /** Epochs without an improvement after which training ends: 1 to 1,000,000. 5 unless given. */
  patience?: number,
  /** By how much more than this the metric has to become better, from 0 on. 0 unless given. */
  minimumImprovement?: number,
  /** Whether training, however it comes to its end, leaves the weights of the best epoch. True unless given. */
  restoreBest?: boolean,
};

/** What of the validation data's report tells whether an epoch was better. */
export type StoppingMetric =
  /** The loss that is trained on: less is better. */
  | "loss"
  /** The part that is right, of classes and labels: more is better. */
  | "accuracy";

/** The loss to minimise. Everything but the kind may be left out, and is of the kind that its description begins with. */
export type LossOptions = {
  /** Which loss. */
  kind: LossKind,
  /**
   * `"cross_entropy"`: by how much the targets of each class count, by its name, from 0 on; 1 for classes that are not
   * named. Losses are divided by the sum of the weights, as in PyTorch.
   */
  classWeights?: { [key in string]: number },
  /**
   * `"cross_entropy"`: the part of the target, from 0 to below 1, that is spread evenly over all classes (Szegedy et
   * al. 2016). 0 unless given.
   */
  labelSmoothing?: number,
  /**
   * `"binary_cross_entropy"`: by how much each label counts where it is there, by its name, from 0 on; 1 for labels
   * that are not named.
   */
  positiveWeights?: { [key in string]: number },
  /** `"huber"`: how far from the target the loss goes on as a straight line, above 0. 1 unless given. */
  delta?: number,
};

/** The kinds of losses. Unless one is given, it is the first that fits the output; quantiles have their own. */
export type LossKind =
  /** Of classes: −ln of the probability of the target. */
  | "cross_entropy"
  /** Of labels: the mean over them of −ln of the probability of what is there, or is not. */
  | "binary_cross_entropy"
  /** Of values: the mean squared error. */
  | "mse"
  /** Of values: the mean absolute error. */
  | "mae"
  /** Of values: half the square of an error up to `delta`, a straight line beyond (Huber 1964). */
  | "huber";

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
  /** The learning rate of the last step, or of the first before there was one. */
  learningRate: number,
  /** The mean loss of each step's batches of this crossing, as it was before the step. */
  losses: Array<number>,
  /** The epochs that ended in this crossing. */
  epochs: Array<EpochReport>,
  /** Batches worked through in this crossing, validation's among them. */
  batches: number,
  /** Whether training has ended. */
  finished: boolean,
  /** Whether early stopping has ended it before its last epoch. */
  early: boolean,
  /** The epoch, from 1, that was best on the validation data so far; null where there is none. */
  bestEpoch: number | null,
  /** The chunk of the data that training waits for; null where it waits for none. */
  chunk: number | null,
  /** The chunk that it will want after the one that it is at; null after the last. */
  nextChunk: number | null,
};

/** What an optimiser knows, without the numbers: those follow each other tensor by tensor. */
export type OptimizerContents = {
  /** Which optimiser it is of. */
  kind: OptimizerKind,
  /** Steps taken, at most 2,147,483,647: Adam's correction of its moments depends on them. */
  step: number,
  /** What is kept, of each parameter and under each name, in the order of the numbers. */
  tensors: Array<OptimizerTensor>,
};

/** What an optimiser keeps of one parameter under one name. */
export type OptimizerTensor = {
  /** The parameter's name. */
  parameter: string,
  /** What is kept, by PyTorch's name: an `OptimizerSlot`, or what somebody else's file says in its place. */
  slot: string,
  /** The parameter's shape. */
  shape: Array<number>,
};

/** A number that an optimiser keeps beside each parameter's; the names are PyTorch's. */
export type OptimizerSlot =
  /** The mean of gradients of Adam, AdamW and Lion: the first moment. */
  | "exp_avg"
  /** The mean of squared gradients of Adam and AdamW: the second moment. */
  | "exp_avg_sq"
  /** The largest mean of squared gradients so far, with `amsgrad`. */
  | "max_exp_avg_sq"
  /** What SGD and RMSprop with momentum go on with. */
  | "momentum_buffer"
  /** The mean of squared gradients of RMSprop. */
  | "square_avg"
  /** The mean of gradients of RMSprop, where it is centred. */
  | "grad_avg";

/** One pass over the training data. */
export type EpochReport = {
  /** Counted from 1. */
  epoch: number,
  /** Mean loss over the epoch's targets, each taken before its batch's step; cross-entropies are in nats. */
  loss: number,
  /**
   * Part of the epoch's targets whose most probable class was the right one, or of labels that were on the right side
   * of one half, likewise; null for values.
   */
  accuracy: number | null,
  /** The same over the validation data, after the epoch; null where none was given. */
  validation: ValidationReport | null,
};

/** How the model does on the validation data. */
export type ValidationReport = {
  /** Mean loss, the same that is trained on. */
  loss: number,
  /**
   * Part of the targets whose most probable class is the right one, or of labels on the right side of one half; null for
   * values.
   */
  accuracy: number | null,
  /** What `evaluate` tells of the same data; its loss is the output's plain one. */
  report: ClassificationReport | StepsReport | LabelsReport | ValuesReport,
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

/** How well the classes that are predicted at each step fit the true ones. */
export type StepsReport = {
  /** Steps that have a target. */
  steps: number,
  /** Mean cross-entropy a step, in nats. */
  loss: number,
  /** Part of the steps whose most probable class is the right one. */
  accuracy: number,
  /** e to the power of the loss: among how many equally probable classes the model is in doubt, so to speak. */
  perplexity: number,
};

/** How well predicted labels fit the true ones. A label is predicted where its probability is above one half. */
export type LabelsReport = {
  /** Samples, or steps where there is an output at each. */
  samples: number,
  /** Mean over samples and labels of the binary cross-entropy, in nats. */
  loss: number,
  /** Part of the samples of which every label is right. */
  exactMatch: number,
  /** Mean of the labels' F1. */
  f1: number,
  /** Each label, in the order of the definition. */
  labels: Array<LabelReport>,
};

/** How well one label is predicted. */
export type LabelReport = {
  /** Part of the predictions that are right; 0 where there is none. */
  precision: number,
  /** Part of what is there that was predicted; 0 where it is never there. */
  recall: number,
  /** Harmonic mean of precision and recall; 0 where the label is neither there nor predicted. */
  f1: number,
  /** How often it is there. */
  support: number,
};

/** How well predicted values fit the true ones. With quantiles, the one nearest to one half stands for the value. */
export type ValuesReport = {
  /** Samples, or steps where there is an output at each. */
  samples: number,
  /** Mean squared error, or with quantiles the mean pinball loss. */
  loss: number,
  /** Mean absolute error over all values. */
  mae: number,
  /** Root of the mean squared error over all values. */
  rmse: number,
  /** Mean of the values' R²; null where one has none. */
  r2: number | null,
  /** For each quantile the part of the targets that are not above it; null without quantiles. */
  coverage: Array<number> | null,
  /** Each value, [steps ahead, values]. */
  values: Array<ValueReport>,
};

/** How well one value is predicted. */
export type ValueReport = {
  /** Mean absolute error. */
  mae: number,
  /** Root of the mean squared error. */
  rmse: number,
  /** R², the part of the targets' variance that is explained; null where they are all alike. */
  r2: number | null,
};

/** What a layer by itself is told beside its definition, and what a model knows of its layers. */
export type LayerOptions = {
  /** Numbers a step that go in: 1 to 65,536. */
  inputs: number,
  /**
   * The first weights come from this seed, and are those of the first layer of a model of the same seed; so does what
   * training drops. 0 unless given.
   */
  seed?: number,
  /**
   * What the first weights are, by the names that `parameters()` has: `weight_ih_l0`. Those of the scheme `"gatewise"` unless
   * given.
   */
  initialisation?: InitialisationDefinition,
};

/** A model as it stands: what it is, what it runs on, and what its weights are. */
export type ModelDescription = {
  /** The definition, with every default filled in but those of a layer's and the output's options. */
  definition: ModelDefinition,
  /** The instruction set that this model's kernels run on. */
  isa: string,
  /** Threads that work on a batch. */
  threads: number,
  /** Every tensor, in the order of the flat vector of weights. */
  tensors: Array<Tensor>,
  /** How many of the numbers in them are trained. */
  parameters: number,
  /** Where the hidden and cell states of one sequence lie, one after the other: layer by layer, direction by direction. */
  states: Array<StateDescription>,
  /** What the model's file holds of its preprocessing, as it stands there; null if nothing. */
  preprocessing: string | null,
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

/** The states of one direction of a layer among all of a sequence's. */
export type StateDescription = {
  /** Counted from the input. */
  layer: number,
  /** Where the hidden state begins. */
  offset: number,
  /** Numbers of the hidden state. */
  hidden: number,
  /** Numbers of the cell state, which follows: 0 unless the layer is an LSTM. */
  cell: number,
};

/** A model as a table. */
export type ModelSummary = {
  /** What data goes through, from the input upwards. */
  rows: Array<SummaryRow>,
  /** How many numbers are trained. */
  parameters: number,
  /** Multiplications with an addition for one step of one sequence, the output's among them. */
  multiplyAdds: number,
  /** What training takes beside the data. */
  training: TrainingMemory,
};

/** One thing that data goes through. */
export type SummaryRow = {
  /** The prefix of its tensors' names: `"layers.0"`. */
  name: string,
  /** What it is: `"bidirectional lstm, sum"`. */
  kind: string,
  /** Whether something leaves it at each step, and not once a sequence. */
  each: boolean,
  /** How many numbers leave it. */
  outputs: number,
  /** How many numbers are trained in it. */
  parameters: number,
  /** Multiplications with an addition for one step of one sequence, or once a sequence. */
  multiplyAdds: number,
  /**
   * How a recurrent layer is computed: `"fused"` if its gates, its states and all of its options are, forward and backward,
   * in one time loop of kernels, while their products are in registers or cache; `"general"` if step by step from separate
   * operations, which no layer is. Null for what has no time loop.
   */
  path: string | null,
};

/** What training takes for batches of a size, in bytes. */
export type TrainingMemory = {
  /** Sequences a batch. */
  batchSize: number,
  /** Steps of each. */
  steps: number,
  /** Weights, their gradients, and what the optimiser keeps of each: Adam's two moments. */
  parameters: number,
  /** The weights once more, in the order in which the kernels read them. */
  packed: number,
  /** What the forward pass keeps for the backward pass, and the gradients of it. */
  activations: number,
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

/** What a safetensors file says of itself before its numbers. */
export type FileHeader = {
  /** Every tensor, in the order in which they lie in the file, one right after the other. */
  tensors: Array<FileTensor>,
  /** Text under names: whatever the writer had to say. */
  metadata: { [key in string]: string },
};

/** A tensor of a safetensors file. */
export type FileTensor = {
  /** Its name, of which there is no other in the file. */
  name: string,
  /** How its numbers are kept, little-endian. */
  type: TensorType,
  /** Its sizes, the outermost first; none of a single number. */
  shape: Array<number>,
  /** Where its first byte is in the file. */
  begin: number,
  /** Where the first byte after it is. */
  end: number,
};

/** How a file keeps each number of a tensor. */
export type TensorType =
  /** IEEE 754's 64 bits. */
  | "f64"
  /** IEEE 754's 32 bits. */
  | "f32"
  /** IEEE 754's 16 bits. */
  | "f16"
  /** The upper half of an f32. */
  | "bf16"
  /** A whole number of 64 bits with a sign. */
  | "i64"
  /** A whole number of 32 bits with a sign. */
  | "i32"
  /** A whole number of 16 bits with a sign. */
  | "i16"
  /** A whole number of 8 bits with a sign. */
  | "i8"
  /** A whole number of 64 bits without a sign. */
  | "u64"
  /** A whole number of 32 bits without a sign. */
  | "u32"
  /** A whole number of 16 bits without a sign. */
  | "u16"
  /** A whole number of 8 bits without a sign. */
  | "u8"
  /** A byte that is 0 or 1. */
  | "bool";

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
  /** A token is not one of those that the model knows. */
  | "unknown_token"
  /** A target is not one of the classes. */
  | "unknown_class"
  /** A target, or its weight, is none that the output can have. */
  | "invalid_target"
  /** A table lacks a column, or a cell of it is missing or is none that can stand there. */
  | "invalid_data"
  /** A sequence's length is zero or beyond the steps of its array. */
  | "invalid_length"
  /** Two arrays that must be apart share memory, or one lies in shared memory. */
  | "shared_buffer"
  /** A file is truncated, damaged or not one of Gatewise's. */
  | "invalid_file"
  /** A file asks for something that a reader of data does not do, such as calling a function. */
  | "unsafe_file"
  /** Tensors are missing, are not expected, or have other shapes than the model's. */
  | "state_mismatch"
  /** A file format has no way to say what the model does. */
  | "not_expressible"
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
  /** A package that the feature needs is not installed. */
  | "missing_package"
  /** A defect of Gatewise itself. The model goes on with its last committed weights. */
  | "internal_error";
