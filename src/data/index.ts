// The public names of `gatewise/data`, nothing else.

export { GatewiseError } from "../errors.js";

export { definePipeline } from "./pipeline/define.js";

export type { ErrorCode } from "../errors.js";
export type { OutputOfPipeline, Pipeline } from "./pipeline/define.js";
export type { PipelineDefinition, TimeLike } from "./pipeline/definition.js";
export type { FittedPipeline, SequencesOptions } from "./pipeline/fitted.js";
export type { GroupId } from "./pipeline/groups.js";
export type { FittedOn, Origins, Prepared, PreparedInputs } from "./pipeline/prepared.js";
export type { ReadingOptions } from "./pipeline/reading.js";
export type { SavedPipeline } from "./pipeline/saved.js";
export type { Rows } from "./rows.js";
export type { CategoryColumn, Column, NumberColumn, Table, TimeColumn } from "./table.js";
