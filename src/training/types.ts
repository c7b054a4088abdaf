// What `fit` is told and what it tells. Types only; the options' own are the core's.

import type { LabelledData } from "../data/types.js";
import type * as core from "../generated/core.js";
import type { DeepReadonly } from "../model/definition.js";
import type { Accuracy, Loss, Output, Report } from "../model/outputs.js";
import type { Optimizer } from "./learning-rate.js";
import type { OptimizerState } from "./optimizer-state.js";

type WithAccuracy<Told, Out extends Output> = Omit<Told, "accuracy"> & {
  /** Part of the targets whose most probable class was the right one, or of labels on the right side of one half. */
  accuracy: Accuracy<Out>;
};

/** How the model does on the validation data. */
export type ValidationReport<Out extends Output = string> = WithAccuracy<Omit<core.ValidationReport, "report">, Out> & {
  /** What `evaluate` tells of the same data; its loss is the output's plain one. */
  report: Report<Out>;
};

/** One pass over the training data. */
export type EpochReport<Out extends Output = string> = WithAccuracy<Omit<core.EpochReport, "validation">, Out> & {
  /** The same over the validation data, after the epoch; null where none was given. */
  validation: ValidationReport<Out> | null;
};

/** What one crossing into the core did. */
export type TrainingProgress<Out extends Output = string> = Omit<core.TrainingProgress, "epochs"> & {
  /** The epochs that ended in this crossing. */
  epochs: EpochReport<Out>[];
};

/** What one crossing into the core did, as `training` gives it. */
export type TrainingStep<Out extends Output = string> = TrainingProgress<Out> & {
  /** The mean loss of the crossing's steps; of the last one that had any, if all of it was validation. */
  loss: number;
};

/** How to train, on what to check, and whom to tell. Every field may be left out. */
export type FitOptions<Out extends Output = string> = DeepReadonly<Omit<core.TrainingOptions, "loss" | "optimizer">> & {
  /** How gradients become steps. Adam unless given. */
  readonly optimizer?: Optimizer | undefined;
  /**
   * What is minimised. What fits the output unless given: cross-entropy of classes and labels, the mean squared error of
   * values; quantiles have their own loss and no other.
   */
  readonly loss?: Loss<Out> | undefined;
  /**
   * What the optimiser knows from an earlier run, here or in PyTorch: the first step is the one that the earlier run would have
   * taken next. Of the same kind of optimiser; a learning-rate schedule begins anew. A run that goes on from a checkpoint has
   * the checkpoint's in its place. Nothing unless given.
   */
  readonly optimizerState?: OptimizerState | undefined;
  /** Whether the history has what the optimiser knows at the end. False unless given: it is up to three times the weights. */
  readonly keepOptimizerState?: boolean | undefined;
  /** Data that is not trained on: each epoch's report says how the model does on it. */
  readonly validation?: LabelledData<Out> | undefined;
  /** Where the run is kept, so that it can go on after a crash, an abort or with more epochs. Nowhere unless given. */
  readonly checkpoint?: CheckpointOptions | undefined;
  /**
   * Shows how training goes: `"bar"` on a terminal, `"lines"` (one for each epoch) elsewhere; true chooses between them. In
   * Node alone, on stderr or the given stream. False unless given.
   */
  readonly progress?: ProgressOptions | undefined;
  /**
   * Called some twenty times a second, after the weights so far were committed: `predict` sees them. A promise is waited
   * for. If it throws, `fit` ends and rejects with what it threw; the model keeps the weights so far.
   */
  readonly onProgress?: ((progress: TrainingProgress<Out>) => void | Promise<void>) | undefined;
  /** Called when an epoch has ended, after `onProgress` and on the same terms. */
  readonly onEpoch?: ((epoch: EpochReport<Out>) => void | Promise<void>) | undefined;
  /** Ends training before the next crossing into the core: `fit` resolves with what was done until then. */
  readonly signal?: AbortSignal | undefined;
};

/** Takes a file as bytes, where there are no files or they are somebody else's. A promise is waited for. */
export type TakeBytes = (bytes: Uint8Array) => void | Promise<void>;

/**
 * How a run is kept. A run that goes on from its checkpoint comes to the same bits, losses and reports as one that never
 * stopped: with the same definition, options, data and backend. Only `epochs` may be raised.
 */
export interface CheckpointOptions {
  /** A file, which is replaced as a whole, or a function that takes the bytes. */
  readonly path: string | URL | TakeBytes;
  /** When it is written, beside the end and an abort: whatever comes first. Each epoch unless given. */
  readonly every?: CheckpointInterval | undefined;
  /** Where the model of the epoch that was best on the validation data is written, for `loadModel`. Nowhere unless given. */
  readonly best?: string | URL | TakeBytes | undefined;
  /**
   * Whether to go on from the file at `path`, if there is one; or the bytes of a checkpoint to go on from. Begins anew unless
   * given.
   */
  readonly resume?: boolean | Uint8Array | undefined;
}

/** After how much a checkpoint is written: each above 0. */
export interface CheckpointInterval {
  readonly epochs?: number | undefined;
  readonly seconds?: number | undefined;
  /** Batches that were worked through, those of validation among them. */
  readonly batches?: number | undefined;
}

/** Whether and where training is shown. */
export type ProgressOptions = boolean | "bar" | "lines" | { readonly stream: ProgressStream };

/** What of a stream of Node's is needed: `process.stdout`, or any other. */
export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
}

/** How a training went. */
export interface History<Out extends Output = string> {
  /**
   * Why it ended: all epochs were done, early stopping saw no improvement, or the signal was aborted or the model disposed of.
   */
  readonly stopped: "finished" | "early" | "aborted";
  /** Steps of the optimiser that were done. */
  readonly steps: number;
  /** The mean loss of each step's batches, as it was before the step. */
  readonly losses: readonly number[];
  /** One report for each epoch that ended. */
  readonly epochs: readonly EpochReport<Out>[];
  /** The epoch, from 1, that was best on the validation data; null where there was none. */
  readonly bestEpoch: number | null;
  /**
   * What the optimiser knows after the last step that was done, however the run ended; there where `keepOptimizerState` is.
   * Weights that early stopping restores, or that are averages, are others than the ones it was on the way with.
   */
  readonly optimizerState?: OptimizerState | undefined;
}
