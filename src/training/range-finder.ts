// The search for a learning rate (Smith 2017, "Cyclical learning rates", section 3.3): a short training whose learning rate
// rises from step to step, on a copy of the weights. Knows a trainer's losses, no labels.

import type { TrainerHandle } from "../backend/backend.js";
import type { PreparedSequences } from "../data/sequences.js";
import { GatewiseError } from "../errors.js";
import { toJson } from "../json.js";
import type { ModelCore } from "../model/core.js";
import type { Output } from "../model/outputs.js";
import type { Optimizer } from "./learning-rate.js";
import { stepsPerEpoch } from "./learning-rate.js";
import { drawRangeCurve } from "./range-curve.js";
import type { FitOptions } from "./types.js";

type Distribute<Kind> = Kind extends unknown ? Omit<Kind, "learningRate"> : never;

/** What a search takes of the options of `fit`. */
type Shared =
  | "accumulateBatches"
  | "backpropagationSteps"
  | "batchSize"
  | "bucketing"
  | "clipAdaptive"
  | "clipNorm"
  | "clipValue"
  | "l1"
  | "l2"
  | "loss"
  | "shuffle"
  | "signal"
  | "stateful";

/** How to search, and otherwise as `fit` is told. Every field may be left out. */
export type LearningRateSearch<Out extends Output = string> = Pick<FitOptions<Out>, Shared> & {
  /** The learning rate of the first step, above 0. 1e-7 unless given. */
  readonly from?: number | undefined;
  /** The learning rate of the last step, above `from`. 10 unless given. */
  readonly to?: number | undefined;
  /** Steps, from 10 to 10,000; between them the learning rate rises by the same factor each. 100 unless given. */
  readonly steps?: number | undefined;
  /** The part of the mean of losses that goes on from step to step, from 0 to below 1. 0.9 unless given. */
  readonly smoothing?: number | undefined;
  /** The optimiser whose learning rate is looked for. Adam unless given. */
  readonly optimizer?: Distribute<Optimizer> | undefined;
};

/** What a search for a learning rate has found. */
export interface LearningRateRange {
  /** The learning rate of each step that was taken. */
  readonly rates: readonly number[];
  /** The loss of each step's batch, as it was before the step. */
  readonly losses: readonly number[];
  /** Their mean, which forgets the older ones; what it lacks at its start is made up for. */
  readonly smoothed: readonly number[];
  /**
   * Where the smoothed losses fall most steeply over the logarithm of the learning rate, before they are at their least; null
   * where they fall nowhere. The first tenth of the steps does not count, nor do the last five.
   */
  readonly suggestion: number | null;
  /** The picture of it, as the text of an SVG file. */
  toSvg(): string;
}

/** A search ends where the smoothed loss is this many times the least one so far, and larger than the first. */
const EXPLODED = 4;
/** Steps at the end that do not count: there the loss may have begun to explode. */
const LAST = 5;
const MOST_STEPS = 10_000;

/** Searches with a trainer of its own: `core` stays as it is. */
export async function findLearningRate<Out extends Output>(
  core: ModelCore,
  training: PreparedSequences,
  options: LearningRateSearch<Out>,
): Promise<LearningRateRange> {
  const { from = 1e-7, to = 10, steps = 100, smoothing = 0.9, signal, optimizer = { kind: "adam" }, ...rest } = options;
  check(from > 0 && from < to && Number.isFinite(to), from > 0 ? "to" : "from", "give numbers above 0, `to` above `from`");
  check(Number.isInteger(steps) && steps >= 10 && steps <= MOST_STEPS, "steps", `give a whole number from 10 to ${MOST_STEPS}`);
  check(smoothing >= 0 && smoothing < 1, "smoothing", "give a number from 0 to below 1");
  const perEpoch = stepsPerEpoch([training.n], training.steps, rest);
  // Where there is no such number the core says what is wrong.
  const epochs = Math.ceil(steps / perEpoch) || 1;
  const left = Number.isSafeInteger(epochs * perEpoch) ? Math.max(0, epochs * perEpoch - steps) : 0;
  const rising = Array.from({ length: steps }, (_, step) => from * (to / from) ** (step / (steps - 1)));
  const rates = rising.concat(Array<number>(left).fill(to));
  const job = toJson({ ...rest, epochs, optimizer: { ...optimizer, learningRate: { schedule: "table", rates } } });
  const trainer = await core.openTrainer({ options: job, training });
  try {
    return found(await riseAndWatch(trainer, rising, smoothing, () => core.disposed || signal?.aborted === true), steps);
  } finally {
    trainer.dispose();
  }
}

interface Watched {
  readonly rates: number[];
  readonly losses: number[];
  readonly smoothed: number[];
}

/** Steps until the loss explodes, or all are taken, or the caller wants no more. */
async function riseAndWatch(
  trainer: TrainerHandle,
  rising: readonly number[],
  smoothing: number,
  ended: () => boolean,
): Promise<Watched> {
  const watched: Watched = { rates: [], losses: [], smoothed: [] };
  let [mean, weight, least, done] = [0, 0, Number.POSITIVE_INFINITY, 0];
  while (done < rising.length && !ended()) {
    const progress = await trainer.advance(1).catch((error: unknown) => {
      // A loss that is no number has exploded.
      if (error instanceof GatewiseError && error.code === "not_finite") return undefined;
      throw error;
    });
    if (!progress) break;
    for (const loss of progress.losses) {
      mean = smoothing * mean + (1 - smoothing) * loss;
      weight = smoothing * weight + (1 - smoothing);
      watched.rates.push(rising[done] ?? Number.NaN);
      watched.losses.push(loss);
      watched.smoothed.push(mean / weight);
    }
    const last = watched.smoothed.at(-1) ?? Number.POSITIVE_INFINITY;
    least = Math.min(least, last);
    if (last > EXPLODED * least && last > (watched.smoothed[0] ?? 0)) break;
    if (progress.finished) break;
    done = progress.step;
  }
  return watched;
}

function found(watched: Watched, steps: number): LearningRateRange {
  const curve = { ...watched, suggestion: steepest(watched, Math.floor(steps / 10)) };
  return Object.freeze({ ...curve, toSvg: () => drawRangeCurve(curve) });
}

/** The learning rate at the steepest descent, as fastai's `lr_find` suggests it; but what falls again after a rise is no descent. */
function steepest({ rates, smoothed }: Watched, first: number): number | null {
  let best: { readonly slope: number; readonly rate: number } | undefined;
  const end = Math.min(rates.length - LAST, smoothed.indexOf(Math.min(...smoothed)) + 1);
  for (let step = first; step + 1 < end; step++) {
    const [rate = 1, next = 1, loss = 0, after = 0] = [rates[step], rates[step + 1], smoothed[step], smoothed[step + 1]];
    const slope = (after - loss) / Math.log(next / rate);
    if (slope < (best?.slope ?? 0)) best = { slope, rate };
  }
  return best?.rate ?? null;
}

function check(holds: boolean, field: string, message: string): void {
  if (!holds) throw new GatewiseError("invalid_option", `options.${field}`, message);
}
