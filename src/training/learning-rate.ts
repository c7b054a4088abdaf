// The learning rate and the optimiser as `fit` takes them, and the table that a function of the step is to the core. What
// schedules come to is the core's business.

import { GatewiseError } from "../errors.js";
import type * as core from "../generated/core.js";
import type { DeepReadonly } from "../model/definition.js";

/** Where in a training a step is. */
export interface LearningRateStep {
  /** Steps done before it. */
  readonly step: number;
  /** Epochs done before it. */
  readonly epoch: number;
  /** Steps of the whole training. */
  readonly totalSteps: number;
}

/** A schedule of learning rates; see the core's `LearningRateSchedule` for what each field is. */
export type Schedule = DeepReadonly<
  | ScheduleOf<"constant", "rate" | "warmup">
  | (ScheduleOf<"step", "rate" | "factor" | "warmup"> & Required<Pick<core.LearningRateSchedule, "every">>)
  | (ScheduleOf<"exponential", "rate" | "warmup"> & Required<Pick<core.LearningRateSchedule, "factor">>)
  | ScheduleOf<"polynomial", "rate" | "end" | "power" | "warmup">
  | ScheduleOf<"cosine", "rate" | "end" | "restartEpochs" | "restartFactor" | "warmup">
  | (ScheduleOf<"one-cycle", OneCycleFields | "warmup"> & Required<Pick<core.LearningRateSchedule, "peak">>)
  | ScheduleOf<"plateau", "rate" | "factor" | "patience" | "threshold" | "cooldown" | "least" | "warmup">
  | (ScheduleOf<"table", never> & Required<Pick<core.LearningRateSchedule, "rates">>)
>;

type OneCycleFields = "rise" | "startDivisor" | "endDivisor" | "cycleMomentum" | "leastMomentum" | "largestMomentum";

type ScheduleOf<Kind extends core.ScheduleKind, Fields extends keyof core.LearningRateSchedule> = {
  schedule: Kind;
} & Pick<core.LearningRateSchedule, Fields>;

/**
 * The same at every step, a schedule, or a function: a pure one from 0 on, which is asked once about every step before the
 * first.
 *
 * @example
 * ```ts
 * const warmedUp: LearningRate = { schedule: "cosine", rate: 0.01, warmup: { epochs: 1 } };
 * const inverseRoot: LearningRate = ({ step }) => 0.01 / Math.sqrt(step + 1);
 * ```
 */
export type LearningRate = number | Schedule | ((at: LearningRateStep) => number);

/** How gradients become steps; see the core's `OptimizerOptions` for what each field is. */
export type Optimizer =
  | OptimizerOf<"sgd", "momentum" | "dampening" | "nesterov">
  | OptimizerOf<"rmsprop", "alpha" | "momentum" | "centered" | "epsilon">
  | OptimizerOf<"adam" | "adamw", "beta1" | "beta2" | "epsilon" | "amsgrad">
  | OptimizerOf<"lion", "beta1" | "beta2">;

type OptimizerOf<Kind extends core.OptimizerKind, Fields extends keyof core.OptimizerOptions> = {
  readonly kind: Kind;
  /** 0.001 unless given; of `"rmsprop"` 0.01, of `"lion"` 0.0001. */
  readonly learningRate?: LearningRate | undefined;
} & DeepReadonly<Pick<core.OptimizerOptions, Fields | "weightDecay" | "groups">>;

/** What of the options says how many steps there are. */
export interface RunLength {
  readonly epochs?: number | undefined;
  readonly batchSize?: number | undefined;
  readonly backpropagationSteps?: number | undefined;
  readonly accumulateBatches?: number | undefined;
}

/** The core's defaults. */
const EPOCHS = 10;
const BATCH_SIZE = 32;

/** More than any table should hold: some ten megabytes of JSON. */
const MOST_STEPS = 1_000_000;

const PATH = "options.optimizer.learningRate";

/**
 * Steps of an epoch over chunks of so many sequences, of up to `steps` steps; no whole number where the options are none that the
 * core takes.
 */
export function stepsPerEpoch(sizes: Iterable<number>, steps: number, options: RunLength): number {
  const { batchSize = BATCH_SIZE, backpropagationSteps = steps, accumulateBatches = 1 } = options;
  const ofChunk = (n: number) => Math.ceil(Math.ceil(n / batchSize) / accumulateBatches);
  return Array.from(sizes, ofChunk).reduce((total, count) => total + count, 0) * Math.ceil(steps / backpropagationSteps);
}

/** The options with a table in the place of a learning rate that is a function; `perEpoch` are the steps of an epoch. */
export function withSampledRates<Options extends RunLength & { readonly optimizer?: unknown }>(
  options: Options,
  perEpoch: number,
): Options {
  const { optimizer, epochs = EPOCHS } = options;
  if (typeof optimizer !== "object" || optimizer === null) return options;
  const rate = (optimizer as { readonly learningRate?: unknown }).learningRate;
  if (typeof rate !== "function") return options;
  const totalSteps = epochs * perEpoch;
  // What is wrong with the length of the run is the core's to say.
  if (!Number.isSafeInteger(totalSteps) || totalSteps < 1) {
    return { ...options, optimizer: { ...optimizer, learningRate: undefined } };
  }
  if (totalSteps > MOST_STEPS) {
    const message = `a function is asked about each of the ${totalSteps} steps, at most ${MOST_STEPS}: give a schedule instead`;
    throw new GatewiseError("invalid_option", PATH, message);
  }
  const rates = Array.from({ length: totalSteps }, (_, step) => {
    const epoch = Math.floor(step / perEpoch);
    const value: unknown = rate({ step, epoch, totalSteps });
    if (typeof value === "number" && value >= 0 && Number.isFinite(value)) return value;
    const message = `it gave ${String(value)} for step ${step} (epoch ${epoch}): a learning rate is a finite number from 0 on`;
    throw new GatewiseError("invalid_option", PATH, message);
  });
  return { ...options, optimizer: { ...optimizer, learningRate: { schedule: "table", rates } } };
}
