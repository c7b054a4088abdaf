// `readArrow`, and Arrow files opened for reading parts of them: apache-arrow decodes, this makes columns of it.

import type { AsyncRecordBatchFileReader, DataType, RecordBatch, RecordBatchFileReader, RecordBatchReader, Vector } from "apache-arrow";

import { GatewiseError } from "../../errors.js";
import { optionalPackage } from "../../optional-package.js";
import type { Table } from "../table.js";
import { invalidFile } from "./errors.js";
import type { ColumnKind, TableOptions } from "./options.js";
import { type FileSource, type SeekableFile, type StreamSource, allBytes, isFile, openSeekable } from "./source.js";
import { type Columns, type TableFile, type Wanted, readWhole } from "./table-file.js";
import { type FilledColumn, ValueFault, filledColumn } from "./values.js";

/**
 * A table from an Arrow file (also called Feather, version 2) or Arrow stream, uncompressed. Needs the package `apache-arrow`.
 *
 * What columns become is as in {@link readParquet}; dictionaries become names.
 *
 * @param source a path (in browsers an address), a URL, bytes, a `Blob` or a stream of bytes
 * @param options which columns, and what they hold
 * @throws {GatewiseError} `missing_package`; `file_access`; `invalid_file` with row and column where a value does not fit, or where
 * the file is none, damaged or ends early; `empty_data`; `invalid_option`
 *
 * @example
 * ```ts
 * const readings = await readArrow("sensors.arrow", { select: ["machine", "time", "current"] });
 * ```
 */
export async function readArrow(source: StreamSource, options: TableOptions = {}): Promise<Table> {
  const file = await openArrow(isFile(source) ? source : (await allBytes(source)).bytes);
  if (file.rows === 0) {
    await file.close();
    throw new GatewiseError("empty_data", file.name, `${file.name} has no rows`);
  }
  return readWhole(file, options);
}

type Arrow = typeof import("apache-arrow");

/** Opens a file and reads what it says about itself; of a stream, which says nothing, all of it. */
export async function openArrow(source: FileSource): Promise<TableFile> {
  const arrow = await optionalPackage("apache-arrow", "reads Arrow files", () => import("apache-arrow"));
  const file = await openSeekable(source);
  try {
    return await decoding(file.name, {}, async () => {
      const reader = await arrow.RecordBatchReader.from(handleOf(file));
      await reader.open({ autoDestroy: false });
      if (!reader.schema) throw new Error("there is no schema in it");
      return new ArrowFile(arrow, file, reader, await batchesOf(arrow, file, reader));
    });
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** A file as apache-arrow takes it: as far as it uses them, Node's file handles. */
function handleOf(file: SeekableFile): Parameters<typeof RecordBatchReader.from>[0] {
  const handle = {
    fd: 0,
    stat: async () => ({ size: file.size }),
    async read(target: Uint8Array, offset: number, length: number, position: number) {
      const bytes = await file.read(position, position + length);
      if (bytes.length === 0) throw new Error("the file ends early");
      target.set(bytes, offset);
      return { bytesRead: bytes.length, buffer: target };
    },
    close: async () => undefined,
  };
  return handle as never;
}

/** Where its record batches begin, and how they are read. */
interface Batches {
  readonly starts: readonly number[];
  readonly rows: number;
  read(index: number): Promise<RecordBatch | null>;
}

async function batchesOf(arrow: Arrow, file: SeekableFile, reader: RecordBatchReader): Promise<Batches> {
  return reader.isFile() ? seekable(arrow, file, reader) : streamed(reader);
}

/** A file's footer tells where its batches are, and the head of each how many rows it has. */
async function seekable({ Message }: Arrow, file: SeekableFile, reader: RecordBatchFileReader | AsyncRecordBatchFileReader): Promise<Batches> {
  const starts: number[] = [];
  let rows = 0;
  const { footer } = reader;
  for (let index = 0; index < (footer?.numRecordBatches ?? 0); index++) {
    const block = footer?.getRecordBatch(index);
    if (!block || block.offset + block.metaDataLength + block.bodyLength > file.size) throw new Error(`batch ${index} lies beyond its end`);
    // Eight bytes say how long the head is.
    const head = Message.decode(await file.read(block.offset + 8, block.offset + block.metaDataLength)).header();
    if (!("length" in head)) throw new Error(`there is no batch where batch ${index} should be`);
    starts.push(rows);
    rows += head.length;
  }
  return { starts, rows, read: async (index) => reader.readRecordBatch(index) };
}

/** A stream's batches are all read at once: nothing in it tells where they are. */
async function streamed(reader: RecordBatchReader): Promise<Batches> {
  const starts: number[] = [];
  const batches: RecordBatch[] = [];
  let rows = 0;
  for (let batch = await nextOf(reader); batch; batch = await nextOf(reader)) {
    starts.push(rows);
    batches.push(batch);
    rows += batch.numRows;
  }
  return { starts, rows, read: async (index) => batches[index] ?? null };
}

async function nextOf(reader: RecordBatchReader): Promise<RecordBatch | undefined> {
  const { done, value } = await reader.next();
  // An empty stream gives an empty batch that stands for its schema.
  return done ? undefined : (value as RecordBatch);
}

class ArrowFile implements TableFile {
  readonly name: string;
  readonly rows: number;
  readonly columns: readonly string[];
  readonly parts: readonly number[];
  readonly #file: SeekableFile;
  readonly #batches: Batches;
  readonly #kinds: ReadonlyMap<string, ColumnKind | undefined>;
  /** The columns whose values lie in the file as JavaScript has them. */
  readonly #plain: ReadonlySet<string>;

  constructor(arrow: Arrow, file: SeekableFile, { schema }: RecordBatchReader, batches: Batches) {
    this.#file = file;
    this.#batches = batches;
    this.name = file.name;
    this.rows = batches.rows;
    this.parts = batches.starts;
    this.columns = schema.fields.map(({ name }) => name);
    this.#kinds = new Map(schema.fields.map(({ name, type }) => [name, kindOf(arrow, type)]));
    this.#plain = new Set(schema.fields.filter(({ type }) => isPlain(arrow, type)).map(({ name }) => name));
  }

  async read(wanted: readonly Wanted[], start: number, end: number): Promise<Columns> {
    const columns = wanted.map(({ name, kind }) => {
      const its = kind ?? this.#kinds.get(name);
      if (its === undefined) throw invalidFile(this.name, { column: name }, "it holds neither numbers, times nor texts: leave it out with `select`");
      return { name, column: filledColumn(its, end - start) };
    });
    for (const [index, first] of this.parts.entries()) {
      const last = this.parts[index + 1] ?? this.rows;
      if (last <= start || first >= end) continue;
      const batch = await decoding(this.name, { row: first }, () => this.#batches.read(index));
      for (const { name, column } of columns) {
        const vector = batch?.getChild(name);
        if (!vector) throw invalidFile(this.name, { row: first, column: name }, "the file ends early, or it is damaged: get it again");
        this.#fill(column, name, vector, [Math.max(start, first) - first, Math.min(end, last) - first, first]);
      }
    }
    return new Map(columns.map(({ name, column }) => [name, column.finish()]));
  }

  /** Adds values `from` to before `to` of a batch whose first row is `first`. */
  #fill(column: FilledColumn, name: string, vector: Vector, [from, to, first]: readonly [number, number, number]): void {
    const before = column.filled;
    try {
      // Numbers as they lie in the file, where none is missing; else one by one.
      const plain = vector.nullCount === 0 && this.#plain.has(name);
      if (plain) column.addAll(vector.toArray() as ArrayLike<number>, from, to);
      else for (let index = from; index < to; index++) column.add(vector.get(index));
    } catch (fault) {
      if (!(fault instanceof ValueFault)) throw fault;
      throw invalidFile(this.name, { row: first + from + column.filled - before, column: name }, fault.message);
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

function kindOf({ DataType }: Arrow, type: DataType): ColumnKind | undefined {
  if (DataType.isTimestamp(type) || DataType.isDate(type)) return "time";
  if (DataType.isInt(type) || DataType.isFloat(type) || DataType.isBool(type)) return "number";
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) return "category";
  return DataType.isDictionary(type) && kindOf({ DataType } as Arrow, type.dictionary) === "category" ? "category" : undefined;
}

function isPlain({ DataType, Precision }: Arrow, type: DataType): boolean {
  return DataType.isInt(type) || (DataType.isFloat(type) && type.precision !== Precision.HALF);
}

/** apache-arrow's errors, and what damaged bytes make it throw, as the package's. */
async function decoding<Value>(name: string, place: { row?: number }, decode: () => Promise<Value>): Promise<Value> {
  try {
    return await decode();
  } catch (cause) {
    if (cause instanceof GatewiseError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw invalidFile(name, place, `this is no Arrow file, or it is damaged or ends early (${why}): get it again`, cause);
  }
}
