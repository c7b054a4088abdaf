// What `tune` is told and what it tells. Types only.

import type { BackendRequest } from "../backend/choose.js";
import type { LabelledData } from "../data/types.js";
import type { ErrorData } from "../errors.js";
import type { DefinitionOf } from "../model/definition.js";
import type { OutputDefinition, OutputOf } from "../model/outputs.js";
import type { FitOptions } from "../training/types.js";
import type { Fold } from "./folds.js";
import type { Objective } from "./objective.js";
import type { Budget, Rung, Search } from "./plan.js";
import type { CurvePoint } from "./protocol.js";
import type { Parameters, Space } from "./space.js";

/** Options of `fit` that are plain data: what a trial is trained with. */
export type TrialOptions<Out extends OutputDefinition = OutputDefinition> = Omit<
  FitOptions<OutputOf<Out>>,
  "epochs" | "validation" | "onProgress" | "onEpoch" | "signal" | "checkpoint" | "progress"
>;

/** What to tune, on what, and for how long. */
export interface TuningOptions<Out extends OutputDefinition = OutputDefinition> {
  /** What all trials have in common; the space's parameters take their places in it. */
  readonly definition: DefinitionOf<Out>;
  /** How all trials are trained, but for what the space says; the epochs are the budget's. */
  readonly options?: TrialOptions<Out> | undefined;
  /** What is tuned. */
  readonly space: Space;
  /** What trials train on: shared with the workers, each of which has a copy. */
  readonly data: LabelledData<OutputOf<Out>>;
  /** What trials are judged by. Either this or `folds`. */
  readonly validation?: LabelledData<OutputOf<Out>> | undefined;
  /** Cross-validation: splits of `data`, in each of which every trial is trained. Its value is the mean over them. */
  readonly folds?: readonly Fold[] | undefined;
  /** How many trials, and for how many epochs the longest. */
  readonly budget: Budget;
  /** `"halving"` unless given. */
  readonly search?: Search | undefined;
  /** The figure of `evaluate`'s report that trials are judged by. `"loss"` unless given. */
  readonly objective?: Objective | undefined;
  /** Of what is drawn from the space. 0 unless given. The trials' own seed is their definition's. */
  readonly seed?: number | undefined;
  /** Trials that train at once. As many as the machine has cores for unless given. The results do not depend on it. */
  readonly workers?: number | undefined;
  /** Threads of each trial. 1 unless given: many trials side by side use a machine better than one on all of it. */
  readonly threads?: number | undefined;
  /** `"auto"` unless given. */
  readonly backend?: BackendRequest | undefined;
  /** A file that keeps what is done, line by line: a tuning that was killed goes on from it. Kept nowhere unless given. */
  readonly journal?: string | URL | undefined;
  /** Called after each epoch of a trial and each training's end. A promise is waited for; what it throws ends the tuning. */
  readonly onProgress?: ((progress: TuningProgress) => void | Promise<void>) | undefined;
  /** Ends the tuning: it resolves with what was done until then. */
  readonly signal?: AbortSignal | undefined;
}

/** How far a tuning is. */
export interface TuningProgress {
  /** From 1. */
  readonly rung: number;
  readonly rungs: number;
  /** Trainings of this rung that are done, and all of this rung's: one a trial and fold. */
  readonly done: number;
  readonly total: number;
  /** Epochs that were trained, and those that the budget has in all. */
  readonly epochs: number;
  readonly totalEpochs: number;
  /** The trial that this is about, and its value if it has just come to the end of the rung. */
  readonly trial: number;
  readonly value?: number | undefined;
  /** The best of the trials that came to the end of this rung. */
  readonly best?: { readonly trial: number; readonly value: number } | undefined;
}

/** A trial in one rung. */
export interface RungResult {
  /** From 0. */
  readonly rung: number;
  readonly epochs: number;
  /** The objective on the validation data, over folds their mean. */
  readonly value: number;
  /** The learning curve, a report an epoch, of each fold; one without folds. */
  readonly curves: readonly (readonly CurvePoint[])[];
  /** Of training and evaluation, of all folds. */
  readonly seconds: number;
}

/** One point of the space, and how it did. */
export interface Trial<Out extends OutputDefinition = OutputDefinition> {
  /** From 1, in the order in which they were drawn. */
  readonly number: number;
  /** What was drawn. */
  readonly parameters: Parameters;
  /** An ordinary definition: `createModel` takes it. */
  readonly definition: DefinitionOf<Out>;
  /** Ordinary options of `fit`, with the epochs of the last rung that the trial got to. */
  readonly options: TrialOptions<Out> & { readonly epochs: number };
  /** The rungs that it came to the end of. */
  readonly rungs: readonly RungResult[];
  /** The objective in the last of them; undefined where the trial failed. */
  readonly value: number | undefined;
  /** How many numbers the model trains; undefined where no training came to its end. */
  readonly trained: number | undefined;
  /** Why the trial ended early, if it did: a loss that was not finite, a definition that is none, a lack of memory. */
  readonly failure?: ErrorData | undefined;
}

/** All that a tuning came to, as plain data. */
export interface TuningRecord<Out extends OutputDefinition = OutputDefinition> {
  /** Whether the budget was spent, or the signal was aborted. */
  readonly stopped: "finished" | "aborted";
  readonly search: Search;
  readonly objective: Objective;
  readonly space: Space;
  readonly rungs: readonly Rung[];
  /** The best first: those that got farthest, by their value there; failed ones last. */
  readonly trials: readonly Trial<Out>[];
}
