// The public names of `gatewise/data`, nothing else.

export { GatewiseError } from "../errors.js";
export { readArrow } from "./readers/arrow.js";
export { readCsv } from "./readers/csv/read.js";
export { readParquet } from "./readers/parquet.js";
export { tableFromRows } from "./readers/rows.js";
export { readCifar10 } from "./sets/cifar.js";
export { readMnist } from "./sets/mnist.js";
export { readText } from "./sets/text.js";
export { readUcrTs } from "./sets/ucr-ts.js";
export { readUcrTsv } from "./sets/ucr-tsv.js";
export { arrowSource, parquetSource } from "./sources/source.js";

export type { ErrorCode } from "../errors.js";
export type { CsvOptions } from "./readers/csv/read.js";
export type { ColumnKind, TableOptions } from "./readers/options.js";
export type { FileSource, StreamSource } from "./readers/source.js";
export type { ImageOptions } from "./sets/images.js";
export type { ImageSet, LabelledSet } from "./sets/labelled.js";
export type { SeriesOptions } from "./sets/series.js";
export type { TextOptions, TextSet, TokenArray } from "./sets/text.js";
export type { DataSource } from "./source.js";
export type { SequenceOptions, Window } from "./sources/options.js";
export type { FileDataSource } from "./sources/source.js";
export type { CategoryColumn, Column, NumberColumn, Table, TimeColumn } from "./table.js";
