// What `fit` and `training` do: advance a trainer by some 50 ms, commit its weights to the model, keep the run, tell the
// caller, look whether to go on. Knows neither labels nor where the trainer runs.

import type { ChunkSizes, LabelledSequences, TrainerHandle } from "../backend/backend.js";
import type { PreparedSequences } from "../data/sequences.js";
import { GatewiseError } from "../errors.js";
import { Pace } from "../event-loop.js";
import { toJson } from "../json.js";
import type { ModelCore } from "../model/core.js";
import type { Output } from "../model/outputs.js";
import { Checkpoints, assertCheckpointOptions, bytesToResume } from "./checkpoints.js";
import { type Display, openDisplay } from "./display.js";
import { Feeding, type ReadChunk } from "./feeding.js";
import { stepsPerEpoch, withSampledRates } from "./learning-rate.js";
import { recordOf, stateOf } from "./optimizer-state.js";
import type { EpochReport, FitOptions, History, TrainingProgress, TrainingStep } from "./types.js";

/** A training that is ready to begin. The core has copied the data, or reads it by `feeding`: nothing else leads to it. */
export interface Training<Out extends Output> {
  readonly trainer: TrainerHandle;
  readonly feeding: Feeding | undefined;
  readonly checkpoints: Checkpoints | undefined;
  readonly display: Display | undefined;
  /** Whether the history has the optimiser's state. */
  readonly keepsState: boolean;
  /** What the loop itself takes of the options. */
  readonly watch: Pick<FitOptions<Out>, "onProgress" | "onEpoch" | "signal">;
}

/** Data that is there as a whole, or read chunk by chunk. */
export type TrainingData = (LabelledSequences & PreparedSequences) | (ChunkSizes & { readonly read: ReadChunk });

/** Hands the data to a trainer of `core`. `options` without what is the facade's own is the core's to validate. */
export async function prepareTraining<Out extends Output>(
  core: ModelCore,
  data: TrainingData,
  validation: LabelledSequences | undefined,
  given: FitOptions<Out>,
): Promise<Training<Out>> {
  const { validation: _prepared, onProgress, onEpoch, signal, checkpoint: keep, progress, ...others } = given;
  const { optimizerState, keepOptimizerState = false, ...options } = others;
  if (typeof keepOptimizerState !== "boolean") {
    throw new GatewiseError("invalid_option", "options.keepOptimizerState", "give true or false");
  }
  const optimizer = optimizerState && recordOf(optimizerState);
  if (keep !== undefined) assertCheckpointOptions(keep, validation !== undefined);
  const display = progress === undefined || progress === false ? undefined : await openDisplay(progress);
  const checkpoint = keep && (await bytesToResume(keep));
  const perEpoch = "read" in data ? stepsPerEpoch(data.sizes, 1, options) : stepsPerEpoch([data.n], data.steps, options);
  const training = "read" in data ? { sizes: data.sizes } : data;
  const run = { options: toJson(withSampledRates(options, perEpoch)), training, validation, optimizer, checkpoint };
  const trainer = await core.openTrainer(run);
  return {
    trainer,
    feeding: "read" in data ? new Feeding(data.read) : undefined,
    checkpoints: keep && new Checkpoints(keep, trainer.begun, (weights) => core.saveWith(weights)),
    display,
    keepsState: keepOptimizerState,
    watch: { onProgress, onEpoch, signal },
  };
}

/** Trains `core` to the end and returns how it went. Ends the trainer. */
export async function train<Out extends Output>(core: ModelCore, training: Training<Out>): Promise<History<Out>> {
  const steps = trainStepwise(core, training);
  for (;;) {
    const { done, value } = await steps.next();
    if (done) return value;
  }
}

/**
 * The same crossing by crossing. Whoever stops in between ends the training: the model keeps the weights so far, and the run is
 * kept as after an abort.
 */
export async function* trainStepwise<Out extends Output>(
  core: ModelCore,
  training: Training<Out>,
): AsyncGenerator<TrainingStep<Out>, History<Out>, undefined> {
  const { trainer, checkpoints, display } = training;
  let ended: "left" | "failed" | History["stopped"] = "left";
  try {
    const history = yield* crossings(core, training);
    ended = history.stopped;
    return training.keepsState ? { ...history, optimizerState: stateOf(await trainer.optimizer()) } : history;
  } catch (error) {
    ended = "failed";
    throw explained(error, checkpoints);
  } finally {
    display?.stop();
    try {
      if (ended === "left" || ended === "aborted") await checkpoints?.save(trainer);
    } finally {
      trainer.dispose();
    }
  }
}

async function* crossings<Out extends Output>(
  core: ModelCore,
  { trainer, feeding, checkpoints, display, watch }: Training<Out>,
): AsyncGenerator<TrainingStep<Out>, History<Out>, undefined> {
  // An output that has no accuracy is one whose type says so.
  let progress = trainer.begun as TrainingProgress<Out>;
  const losses = [...progress.losses];
  const epochs: EpochReport<Out>[] = [...progress.epochs];
  const history = (stopped: History["stopped"]): History<Out> => {
    const { bestEpoch } = progress;
    return { stopped, steps: losses.length, losses, epochs, bestEpoch };
  };
  const goesOn = losses.length > 0;
  const pace = new Pace();
  let loss = losses.at(-1) ?? Number.NaN;
  let spare = goesOn && !core.disposed ? core.commit(await trainer.weights()) : undefined;

  while (!progress.finished) {
    if (watch.signal?.aborted || core.disposed) return history("aborted");
    await feeding?.feed(trainer, progress);
    if (watch.signal?.aborted || core.disposed) return history("aborted");
    const batches = Math.min(pace.amount, checkpoints?.batchesLeft ?? Infinity);
    const began = performance.now();
    progress = (await trainer.advance(batches)) as TrainingProgress<Out>;
    if (progress.batches > 0) pace.observe(progress.batches, performance.now() - began);
    for (const each of progress.losses) losses.push(each);
    epochs.push(...progress.epochs);

    const weights = await trainer.weights(spare);
    if (core.disposed) return history("aborted");
    spare = core.commit(weights);
    await checkpoints?.observe(trainer, progress);
    loss = mean(progress.losses) ?? loss;
    display?.show(progress, loss);
    await watch.onProgress?.(progress);
    for (const epoch of progress.epochs) await watch.onEpoch?.(epoch);
    yield { ...progress, loss };
  }
  return history(progress.early ? "early" : "finished");
}

function mean(numbers: readonly number[]): number | undefined {
  return numbers.length > 0 ? numbers.reduce((sum, number) => sum + number, 0) / numbers.length : undefined;
}

/** An error of numbers that are not finite, with where to go on from. */
function explained(error: unknown, checkpoints: Checkpoints | undefined): unknown {
  if (!(error instanceof GatewiseError) || error.code !== "not_finite" || !checkpoints) return error;
  const { last } = checkpoints;
  const where = last === undefined ? "No checkpoint was written before." : `The last good checkpoint is ${last}.`;
  return new GatewiseError(error.code, error.path, `${error.message} ${where}`, { cause: error });
}
