// `readParquet`, and Parquet files opened for reading parts of them: hyparquet decodes, this makes columns of it.

import type { AsyncBuffer, FileMetaData, ParquetParsers, SchemaElement } from "hyparquet";

import { GatewiseError } from "../../errors.js";
import { optionalPackage } from "../../optional-package.js";
import type { Table } from "../table.js";
import { decoding, invalidFile } from "./errors.js";
import type { ColumnKind, TableOptions } from "./options.js";
import { type FileSource, type SeekableFile, openSeekable } from "./source.js";
import { type Columns, type TableFile, type Wanted, readWhole } from "./table-file.js";
import { type FilledColumn, ValueFault, filledColumn } from "./values.js";

/**
 * A table from a Parquet file. Needs the package `hyparquet`, and for codecs other than Snappy `hyparquet-compressors`.
 *
 * Numbers, decimals and booleans become columns of numbers, timestamps and dates columns of times, texts columns of names, unless
 * `columns` asks for something else. 64-bit numbers that a double cannot hold exactly are an error: ask for names, as is right for
 * an id. Missing are nulls, and NaN in numbers. Columns of lists or structures cannot be read: leave them out with `select`.
 *
 * @param source a path (in browsers an address), a URL, bytes or a `Blob`; only what is asked for is read of it
 * @param options which columns, and what they hold
 * @throws {GatewiseError} `missing_package`; `file_access`; `invalid_file` with row and column where a value does not fit, or where
 * the file is none, damaged or ends early; `empty_data`; `invalid_option`
 *
 * @example
 * ```ts
 * const lines = await readParquet("online-retail.parquet", {
 *   select: ["CustomerID", "InvoiceDate", "Quantity", "UnitPrice"],
 *   columns: { CustomerID: "category" },
 * });
 * ```
 */
export async function readParquet(source: FileSource, options: TableOptions = {}): Promise<Table> {
  const file = await openParquet(source);
  if (file.rows === 0) {
    await file.close();
    throw new GatewiseError("empty_data", file.name, `${file.name} has no rows`);
  }
  return readWhole(file, options);
}

type Hyparquet = typeof import("hyparquet");

/** Milliseconds since 1970 instead of dates: no object for each value. */
const PARSERS: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (value) => Number(value),
  timestampFromMicroseconds: (value) => Number(value) / 1000,
  timestampFromNanoseconds: (value) => Number(value / 1000n) / 1000,
  dateFromDays: (days) => days * 86_400_000,
};

/** What hyparquet unpacks by itself. */
const BUILT_IN: ReadonlySet<string> = new Set(["UNCOMPRESSED", "SNAPPY"]);

/** Opens a file and reads what it says about itself. */
export async function openParquet(source: FileSource): Promise<TableFile> {
  const purpose = "reads Parquet files";
  const hyparquet = await optionalPackage("hyparquet", purpose, () => import("hyparquet"));
  const file = await openSeekable(source);
  try {
    const buffer = asyncBuffer(file);
    const metadata = await decoding("Parquet", file.name, {}, () => hyparquet.parquetMetadataAsync(buffer, { geoparquet: false }));
    const codecs = new Set(metadata.row_groups.flatMap(({ columns }) => columns.map((column) => column.meta_data?.codec ?? "UNCOMPRESSED")));
    const packed = [...codecs].some((codec) => !BUILT_IN.has(codec));
    const purpose = `unpacks ${file.name} (${[...codecs].join(", ")})`;
    const load = () => import("hyparquet-compressors");
    const unpacking = packed ? await optionalPackage("hyparquet-compressors", purpose, load) : undefined;
    return new ParquetFile(hyparquet, unpacking?.compressors, file, buffer, metadata);
  } catch (error) {
    await file.close();
    throw error;
  }
}

function asyncBuffer(file: SeekableFile): AsyncBuffer {
  return {
    byteLength: file.size,
    async slice(start, end = file.size) {
      // From the end, as slices of arrays are.
      const from = start < 0 ? Math.max(0, file.size + start) : start;
      const bytes = await file.read(from, end);
      if (bytes.length < Math.min(end, file.size) - from) throw invalidFile(file.name, {}, "the file ends early: get it again");
      return bytes.buffer.byteLength === bytes.length ? bytes.buffer : bytes.slice().buffer;
    },
  };
}

class ParquetFile implements TableFile {
  readonly name: string;
  readonly rows: number;
  readonly columns: readonly string[];
  readonly parts: readonly number[];
  readonly #hyparquet: Hyparquet;
  readonly #compressors: typeof import("hyparquet-compressors").compressors | undefined;
  readonly #file: SeekableFile;
  readonly #buffer: AsyncBuffer;
  readonly #metadata: FileMetaData;
  /** The columns that are no lists or structures. */
  readonly #flat: ReadonlyMap<string, SchemaElement>;

  constructor(
    hyparquet: Hyparquet,
    compressors: typeof import("hyparquet-compressors").compressors | undefined,
    file: SeekableFile,
    buffer: AsyncBuffer,
    metadata: FileMetaData,
  ) {
    this.#hyparquet = hyparquet;
    this.#compressors = compressors;
    this.#file = file;
    this.#buffer = buffer;
    this.#metadata = metadata;
    this.name = file.name;
    this.rows = Number(metadata.num_rows);
    const { children } = hyparquet.parquetSchema(metadata);
    this.columns = children.map(({ element }) => element.name);
    const flat = children.filter(({ children, element }) => children.length === 0 && element.repetition_type !== "REPEATED");
    this.#flat = new Map(flat.map(({ element }) => [element.name, element]));
    let row = 0;
    this.parts = metadata.row_groups.map((group) => {
      const start = row;
      row += Number(group.num_rows);
      return start;
    });
  }

  async read(wanted: readonly Wanted[], start: number, end: number): Promise<Columns> {
    const columns: Columns = new Map();
    for (const { name, kind } of wanted) {
      const element = this.#flat.get(name);
      if (!element) throw invalidFile(this.name, { column: name }, "it holds lists or structures: leave it out with `select`");
      const column = filledColumn(kind ?? kindOf(element, this.name), end - start);
      // One part at a time: what is decoded of one column of it is all that is held beside the result.
      for (const [from, to] of this.#partsOf(start, end)) await this.#readPart(name, column, from, to);
      columns.set(name, column.finish());
    }
    return columns;
  }

  /** Rows by the parts that they lie in. */
  *#partsOf(start: number, end: number): Generator<readonly [number, number]> {
    for (const [index, first] of this.parts.entries()) {
      const [from, to] = [Math.max(start, first), Math.min(end, this.parts[index + 1] ?? this.rows)];
      if (from < to) yield [from, to];
    }
  }

  async #readPart(name: string, column: FilledColumn, start: number, end: number): Promise<void> {
    const options = { file: this.#buffer, metadata: this.#metadata, parsers: PARSERS, geoparquet: false, useOffsetIndex: true };
    const chunks: { values: ArrayLike<unknown>; first: number }[] = [];
    await decoding("Parquet", this.name, { column: name }, () =>
      this.#hyparquet.parquetRead({
        ...options,
        ...(this.#compressors && { compressors: this.#compressors }),
        columns: [name],
        rowStart: start,
        rowEnd: end,
        onChunk: ({ columnData, rowStart }) => chunks.push({ values: rounded(columnData, this.#flat.get(name)), first: rowStart }),
      }),
    );
    const before = column.filled;
    for (const { values, first } of chunks) {
      try {
        // Chunks may begin before the first row that was asked for, and end behind the last one.
        column.addAll(values, start + column.filled - before - first, Math.min(values.length, end - first));
      } catch (fault) {
        if (!(fault instanceof ValueFault)) throw fault;
        throw invalidFile(this.name, { row: start + column.filled - before, column: name }, fault.message);
      }
    }
    const row = start + column.filled - before;
    if (row < end) throw invalidFile(this.name, { row, column: name }, "the file has fewer values than it says: it is damaged");
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** Decimals as the doubles next to them: hyparquet multiplies by 0.01 for 10^-2, and is one off in the last place then. */
function rounded(values: ArrayLike<unknown>, element: SchemaElement | undefined): ArrayLike<unknown> {
  if (element?.converted_type !== "DECIMAL" && element?.logical_type?.type !== "DECIMAL") return values;
  const unit = 10 ** (element.scale ?? 0);
  return Array.from(values, (value) => {
    const whole = typeof value === "number" ? Math.round(value * unit) : NaN;
    return Number.isSafeInteger(whole) ? whole / unit : value;
  });
}

function kindOf({ type, converted_type: converted, logical_type: logical, name }: SchemaElement, file: string): ColumnKind {
  if (converted?.startsWith("TIMESTAMP") || converted === "DATE" || logical?.type === "TIMESTAMP" || logical?.type === "DATE") return "time";
  if (type === "INT96") return "time"; // what old writers used for timestamps, and nothing else
  if (converted === "DECIMAL" || logical?.type === "DECIMAL" || logical?.type === "FLOAT16") return "number";
  if (type === "BYTE_ARRAY" || converted === "UTF8" || logical?.type === "STRING" || logical?.type === "UUID") return "category";
  if (type === "FIXED_LEN_BYTE_ARRAY") throw invalidFile(file, { column: name }, "it holds bytes: leave it out with `select`");
  return "number";
}
