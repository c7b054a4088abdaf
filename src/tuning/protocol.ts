// What the tuning's thread and its workers post to each other. Types only.

import type { BackendRequest } from "../backend/choose.js";
import type { LabelledData } from "../data/types.js";
import type { ErrorData } from "../errors.js";
import type { OutputDefinition } from "../model/outputs.js";
import type { EpochReport } from "../training/types.js";
import type { Candidate } from "./apply.js";
import type { Fold } from "./folds.js";

/** What a worker is started with. */
export interface WorkerSetup {
  /** In shared memory. */
  readonly data: LabelledData<OutputDefinition>;
  readonly validation: LabelledData<OutputDefinition> | undefined;
  readonly folds: readonly Fold[] | undefined;
  readonly backend: BackendRequest;
  readonly threads: number;
}

/** One training from the first weights on. */
export interface Job extends Candidate {
  /** Which of the setup's folds; 0 where there are none. */
  readonly fold: number;
}

export type ToWorker = { readonly kind: "run"; readonly job: Job } | { readonly kind: "stop" };

/** How a training went. */
export interface Outcome {
  /** `evaluate`'s on the validation data, after the last epoch. */
  readonly report: Readonly<Record<string, unknown>>;
  /** One report an epoch: the learning curve. */
  readonly epochs: readonly EpochReport<OutputDefinition>[];
  /** Numbers that were trained. */
  readonly parameters: number;
  readonly seconds: number;
}

export type FromWorker =
  | { readonly kind: "epoch"; readonly epoch: EpochReport<OutputDefinition> }
  | { readonly kind: "done"; readonly outcome: Outcome }
  | { readonly kind: "failed"; readonly error: ErrorData }
  | { readonly kind: "stopped" };
