// What pipelines give: what models take, and for each sample where it comes from. Types only.

import type { Output, Targets } from "../../model/outputs.js";
import type { Sequences } from "../types.js";
import type { GroupId } from "./groups.js";
import type { SavedPipeline } from "./saved.js";

/** What every sample of a pipeline comes with beside its sequence. */
export interface Origins {
  /** [n] How many steps of each sequence count. */
  readonly lengths: Uint32Array;
  /** [n] The group of each sample; null where all rows are one. */
  readonly groups: readonly GroupId[];
  /** [n] When each begins: its first step's begin. Milliseconds, NaN without times. */
  readonly starts: Float64Array;
  /** [n] When each has ended: its cut-off, the end of its last stretch of time, or the time of its last row. */
  readonly times: Float64Array;
  /** What made it, fitted: `fit` takes it over into the model, and the model's file. */
  readonly preprocessing: SavedPipeline;
  /** [features] What each number of a step is. */
  readonly features: readonly string[];
  /** [statics] What each number of a whole sequence is. */
  readonly staticNames: readonly string[];
  /** What `fit` of the pipeline has seen, where it was fitted in this program: what `checkLeaks` looks at. */
  readonly fittedOn?: FittedOn | undefined;
}

/** Up to when scalers and encoders have seen each group. */
export type FittedOn = ReadonlyMap<GroupId, number>;

/** Sequences without targets: what `predict` takes. `Read` says whether there are numbers at each step. */
export type PreparedInputs<Read extends Sequences = Sequences> = Read & Origins;

/** What `fit` and `evaluate` take, with the origin of each sample. */
export type Prepared<Out extends Output = string, Read extends Sequences = Sequences> = PreparedInputs<Read> & {
  readonly targets: Targets<Out>;
  /** [n] Until when each target looks: `times` where it does not look ahead. */
  readonly until: Float64Array;
};
