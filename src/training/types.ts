// What `fit` is told and what it tells. Types only; the options' own are the core's.

import type { LabelledData } from "../data/types.js";
import type { EpochReport, TrainingOptions, TrainingProgress } from "../generated/core.js";
import type { DeepReadonly } from "../model/definition.js";

/** How to train, on what to check, and whom to tell. Every field may be left out. */
export type FitOptions<Label extends string = string> = DeepReadonly<TrainingOptions> & {
  /** Data that is not trained on: each epoch's report says how the model does on it. */
  readonly validation?: LabelledData<Label> | undefined;
  /**
   * Called some twenty times a second, after the weights so far were committed: `predict` sees them. A promise is waited
   * for. If it throws, `fit` ends and rejects with what it threw; the model keeps the weights so far.
   */
  readonly onProgress?: ((progress: TrainingProgress) => void | Promise<void>) | undefined;
  /** Called when an epoch has ended, after `onProgress` and on the same terms. */
  readonly onEpoch?: ((epoch: EpochReport) => void | Promise<void>) | undefined;
  /** Ends training before the next crossing into the core: `fit` resolves with what was done until then. */
  readonly signal?: AbortSignal | undefined;
};

/** How a training went. */
export interface History {
  /** Why it ended: all epochs were done, or the signal was aborted or the model disposed of. */
  readonly stopped: "finished" | "aborted";
  /** Steps of the optimiser that were done. */
  readonly steps: number;
  /** The mean loss of each step's batch, in nats, as it was before the step. */
  readonly losses: readonly number[];
  /** One report for each epoch that ended. */
  readonly epochs: readonly EpochReport[];
}
