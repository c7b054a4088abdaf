// What the tuning's thread and its workers post to each other. Types only.

import type { BackendRequest } from "../backend/choose.js";
import type { LabelledData } from "../data/types.js";
import type { ErrorData } from "../errors.js";
import type { OutputDefinition } from "../model/outputs.js";
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

/** One epoch of a learning curve: what `fit` reports of it, without the validation data's whole report. */
export interface CurvePoint {
  /** From 1. */
  readonly epoch: number;
  readonly loss: number;
  /** Null of values. */
  readonly accuracy: number | null;
  readonly validation: { readonly loss: number; readonly accuracy: number | null } | null;
}

/** How a training went. */
export interface Outcome {
  /** `evaluate`'s on the validation data, after the last epoch. */
  readonly report: Readonly<Record<string, unknown>>;
  /** The learning curve, an epoch a point. */
  readonly epochs: readonly CurvePoint[];
  /** Numbers that were trained. */
  readonly parameters: number;
  readonly seconds: number;
}

export type FromWorker =
  | { readonly kind: "epoch"; readonly epoch: CurvePoint }
  | { readonly kind: "done"; readonly outcome: Outcome }
  | { readonly kind: "failed"; readonly error: ErrorData }
  | { readonly kind: "stopped" };
