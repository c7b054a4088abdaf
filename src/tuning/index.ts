// The public names of `gatewise/tuning`, nothing else.

export { GatewiseError } from "../errors.js";
export { TuningResult } from "./result.js";
export { tune } from "./tune.js";

export type { ErrorCode, ErrorData } from "../errors.js";
export type { Fold } from "./folds.js";
export type { Objective } from "./objective.js";
export type { Budget, Rung, Search } from "./plan.js";
export type { CurvePoint } from "./protocol.js";
export type { Dimension, JsonValue, Parameters, Space } from "./space.js";
export type { RungResult, Trial, TrialOptions, TuningOptions, TuningProgress, TuningRecord } from "./types.js";
