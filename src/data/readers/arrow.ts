// `readArrow`, and Arrow files opened for reading parts of them: apache-arrow decodes, this makes columns of it.

import type { DataType, RecordBatch, Vector } from "apache-arrow";

import { GatewiseError } from "../../errors.js";
import { optionalPackage } from "../../optional-package.js";
import type { Table } from "../table.js";
import { type Batches, openBatches } from "./arrow-batches.js";
import { decoding, invalidFile } from "./errors.js";
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
    return await decoding("Arrow", file.name, {}, async () => new ArrowFile(arrow, file, await openBatches(arrow, file)));
  } catch (error) {
    await file.close();
    throw error;
  }
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
  #last: Promise<unknown> = Promise.resolve();
  #held: { readonly index: number; readonly names: string; readonly batch: RecordBatch | null } | undefined;

  constructor(arrow: Arrow, file: SeekableFile, batches: Batches) {
    const { schema } = batches;
    this.#file = file;
    this.#batches = batches;
    this.name = file.name;
    this.rows = batches.rows;
    this.parts = batches.starts;
    this.columns = schema.fields.map(({ name }) => name);
    this.#kinds = new Map(schema.fields.map(({ name, type }) => [name, kindOf(arrow, type)]));
    this.#plain = new Set(schema.fields.filter(({ type }) => isPlain(arrow, type)).map(({ name }) => name));
  }

  read(wanted: readonly Wanted[], start: number, end: number): Promise<Columns> {
    // One after the other: the reader of batches has one place in the file.
    const reading = this.#last.then(() => this.#read(wanted, start, end));
    this.#last = reading.catch(() => undefined);
    return reading;
  }

  async #read(wanted: readonly Wanted[], start: number, end: number): Promise<Columns> {
    const columns = wanted.map(({ name, kind }) => {
      const its = kind ?? this.#kinds.get(name);
      if (its === undefined) throw invalidFile(this.name, { column: name }, "it holds neither numbers, times nor texts: leave it out with `select`");
      return { name, column: filledColumn(its, end - start) };
    });
    for (const [index, first] of this.parts.entries()) {
      const last = this.parts[index + 1] ?? this.rows;
      if (last <= start || first >= end) continue;
      const batch = await this.#batch(index, wanted);
      for (const { name, column } of columns) {
        const vector = batch?.getChild(name);
        if (!vector) throw invalidFile(this.name, { row: first, column: name }, "the file ends early, or it is damaged: get it again");
        this.#fill(column, name, vector, [Math.max(start, first) - first, Math.min(end, last) - first, first]);
      }
    }
    return new Map(columns.map(({ name, column }) => [name, column.finish()]));
  }

  /** Columns of a batch; the last one is kept, as the next rows that are asked for often are in it too. */
  async #batch(index: number, wanted: readonly Wanted[]): Promise<RecordBatch | null> {
    const names = JSON.stringify(wanted.map(({ name }) => name));
    if (this.#held?.index !== index || this.#held.names !== names) {
      this.#held = undefined;
      const place = { row: this.parts[index] ?? 0 };
      const batch = await decoding("Arrow", this.name, place, () => this.#batches.read(index, new Set(wanted.map(({ name }) => name))));
      this.#held = { index, names, batch };
    }
    return this.#held.batch;
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
