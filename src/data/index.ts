// The public names of `gatewise/data`, nothing else.

export { GatewiseError } from "../errors.js";
export { readArrow } from "./readers/arrow.js";
export { readCsv } from "./readers/csv/read.js";
export { readParquet } from "./readers/parquet.js";
export { tableFromRows } from "./readers/rows.js";

export type { ErrorCode } from "../errors.js";
export type { CsvOptions } from "./readers/csv/read.js";
export type { ColumnKind, TableOptions } from "./readers/options.js";
export type { FileSource, StreamSource } from "./readers/source.js";
export type { CategoryColumn, Column, NumberColumn, Table, TimeColumn } from "./table.js";
