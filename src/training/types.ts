// What `fit` is told and what it tells. Types only; the options' own are the core's.

import type { LabelledData } from "../data/types.js";
import type * as core from "../generated/core.js";
import type { DeepReadonly } from "../model/definition.js";
import type { Accuracy, Loss, Output } from "../model/outputs.js";
import type { Optimizer } from "./learning-rate.js";

type WithAccuracy<Report, Out extends Output> = Omit<Report, "accuracy"> & {
  /** Part of the targets whose most probable class is the right one, or of labels on the right side of one half. */
  accuracy: Accuracy<Out>;
};

/** Loss and accuracy over the validation data. */
export type ValidationReport<Out extends Output = string> = WithAccuracy<core.ValidationReport, Out>;

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

/** How to train, on what to check, and whom to tell. Every field may be left out. */
export type FitOptions<Out extends Output = string> = DeepReadonly<Omit<core.TrainingOptions, "loss" | "optimizer">> & {
  /** How gradients become steps. Adam unless given. */
  readonly optimizer?: Optimizer | undefined;
  /**
   * What is minimised. What fits the output unless given: cross-entropy of classes and labels, the mean squared error of
   * values; quantiles have their own loss and no other.
   */
  readonly loss?: Loss<Out> | undefined;
  /** Data that is not trained on: each epoch's report says how the model does on it. */
  readonly validation?: LabelledData<Out> | undefined;
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

/** How a training went. */
export interface History<Out extends Output = string> {
  /** Why it ended: all epochs were done, or the signal was aborted or the model disposed of. */
  readonly stopped: "finished" | "aborted";
  /** Steps of the optimiser that were done. */
  readonly steps: number;
  /** The mean loss of each step's batch, as it was before the step. */
  readonly losses: readonly number[];
  /** One report for each epoch that ended. */
  readonly epochs: readonly EpochReport<Out>[];
}
