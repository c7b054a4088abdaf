// The loop that `fit` is: advance a trainer by some 50 ms, commit its weights to the model, tell the caller, look whether
// to go on. Knows neither labels nor where the trainer runs.

import type { LabelledSequences, TrainerHandle } from "../backend/backend.js";
import type { PreparedSequences } from "../data/sequences.js";
import { Pace } from "../event-loop.js";
import { toJson } from "../json.js";
import type { ModelCore } from "../model/core.js";
import type { Output } from "../model/outputs.js";
import { stepsPerEpoch, withSampledRates } from "./learning-rate.js";
import type { EpochReport, FitOptions, History, TrainingProgress } from "./types.js";

/** A training that is ready to begin. The core has copied the data: nothing here leads to the caller's. */
export interface Training<Out extends Output> {
  readonly trainer: TrainerHandle;
  /** What the loop itself takes of the options. */
  readonly watch: Pick<FitOptions<Out>, "onProgress" | "onEpoch" | "signal">;
}

/** Hands the data to a trainer of `core`. `options` without what is the facade's own is the core's to validate. */
export async function prepareTraining<Out extends Output>(
  core: ModelCore,
  training: PreparedSequences,
  validation: LabelledSequences | undefined,
  { validation: _prepared, onProgress, onEpoch, signal, ...options }: FitOptions<Out>,
): Promise<Training<Out>> {
  const sampled = withSampledRates(options, stepsPerEpoch(training.n, training.steps, options));
  const trainer = await core.openTrainer({ options: toJson(sampled), training, validation });
  return { trainer, watch: { onProgress, onEpoch, signal } };
}

/** Trains `core` and returns how it went. Ends the trainer. */
export async function train<Out extends Output>(
  core: ModelCore,
  { trainer, watch }: Training<Out>,
): Promise<History<Out>> {
  try {
    return await drive(core, trainer, watch);
  } finally {
    trainer.dispose();
  }
}

async function drive<Out extends Output>(
  core: ModelCore,
  trainer: TrainerHandle,
  watch: Training<Out>["watch"],
): Promise<History<Out>> {
  const losses: number[] = [];
  const epochs: EpochReport<Out>[] = [];
  const history = (stopped: History["stopped"]): History<Out> => ({ stopped, steps: losses.length, losses, epochs });
  const pace = new Pace();
  let spare: Float32Array | undefined;

  while (!watch.signal?.aborted && !core.disposed) {
    const began = performance.now();
    // An output that has no accuracy is one whose type says so.
    const progress = (await trainer.advance(pace.amount)) as TrainingProgress<Out>;
    pace.observe(progress.batches, performance.now() - began);
    for (const loss of progress.losses) losses.push(loss);
    epochs.push(...progress.epochs);

    const weights = await trainer.weights(spare);
    if (core.disposed) break;
    spare = core.commit(weights);
    await watch.onProgress?.(progress);
    for (const epoch of progress.epochs) await watch.onEpoch?.(epoch);
    if (progress.finished) return history("finished");
  }
  return history("aborted");
}
