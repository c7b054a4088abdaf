// The public names of `gatewise/data`, nothing else.

export { GatewiseError } from "../errors.js";
export { definePipeline } from "./pipeline/define.js";
export { readArrow } from "./readers/arrow.js";
export { readCsv } from "./readers/csv/read.js";
export { readParquet } from "./readers/parquet.js";
export { tableFromRows } from "./readers/rows.js";
export { groupedKFold, splitByGroup } from "./splits/by-group.js";
export { rollingOrigin, splitByTime } from "./splits/by-time.js";
export { checkLeaks } from "./splits/leaks.js";
export { splitStratified, stratifiedKFold } from "./splits/stratified.js";
export { rowKeys, selectRows, subset } from "./splits/subset.js";

export type { ErrorCode } from "../errors.js";
export type { OutputOfPipeline, Pipeline } from "./pipeline/define.js";
export type { PipelineDefinition, TimeLike } from "./pipeline/definition.js";
export type { FittedPipeline, SequencesOptions } from "./pipeline/fitted.js";
export type { GroupId } from "./pipeline/groups.js";
export type { FittedOn, Origins, Prepared, PreparedInputs } from "./pipeline/prepared.js";
export type { ReadingOptions } from "./pipeline/reading.js";
export type { SavedPipeline } from "./pipeline/saved.js";
export type { CsvOptions } from "./readers/csv/read.js";
export type { ColumnKind, TableOptions } from "./readers/options.js";
export type { FileSource, StreamSource } from "./readers/source.js";
export type { Rows } from "./rows.js";
export type { GroupChoice, GroupSplitOptions, GroupedKFoldOptions } from "./splits/by-group.js";
export type { RollingOriginOptions, TimeParts, TimeSplitOptions } from "./splits/by-time.js";
export type { Leak, LeakOptions, LeakParts, Part } from "./splits/leaks.js";
export type { Fold, Parts, Splittable } from "./splits/parts.js";
export type { StratifiedKFoldOptions, StratifiedSplitOptions } from "./splits/stratified.js";
export type { RowKeyColumns } from "./splits/subset.js";
export type { CategoryColumn, Column, NumberColumn, Table, TimeColumn } from "./table.js";
