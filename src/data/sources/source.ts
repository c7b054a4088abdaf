// Data sources out of table files: reads the rows of a chunk, checks them, and makes of them what `fit` takes.

import { GatewiseError } from "../../errors.js";
import type { Output } from "../../model/outputs.js";
import { openArrow } from "../readers/arrow.js";
import { invalidFile } from "../readers/errors.js";
import { askedKind } from "../readers/options.js";
import { openParquet } from "../readers/parquet.js";
import type { FileSource } from "../readers/source.js";
import type { Columns, TableFile } from "../readers/table-file.js";
import type { CategoryColumn, Column } from "../table.js";
import type { DataSource } from "../source.js";
import type { LabelledData } from "../types.js";
import { findGroups } from "./groups.js";
import { type Checked, type SequenceOptions, checkSequenceOptions } from "./options.js";
import { type Chunk, Plan } from "./plan.js";

/** A data source that reads a file, which is open until it is closed. */
export interface FileDataSource<Out extends Output = string> extends DataSource<Out> {
  close(): Promise<void>;
}

/**
 * Sequences out of a Parquet file that need not fit in memory. Needs the package `hyparquet`, and for codecs other than Snappy
 * `hyparquet-compressors`.
 *
 * The file is sorted by `group`, and within one by `time`. Opening reads the column `group` alone; `read` reads the rows and the
 * columns of one chunk. A chunk has whole sequences, or windows, of about `chunkRows` steps; it is the same one each time. Small row
 * groups, of no more rows than a chunk, take the least memory.
 *
 * @param file a path (in browsers an address), a URL, bytes or a `Blob`
 * @param options which rows are sequences, what their features are, and what is predicted. `Out` is what the caller knows of the
 * model's output, as in {@link Model}: it is not checked.
 * @throws {GatewiseError} `invalid_file` with row and column where the file is not sorted, a value is missing or does not fit: at
 * once for what `group` holds, else from `read`; `empty_data`; `file_access`; `missing_package`; `invalid_option`
 *
 * @example
 * ```ts
 * const source = await parquetSource("readings.parquet", {
 *   group: "machine", time: "time", features: ["current", "temperature"], target: "state",
 *   window: { steps: 100, stride: 50 },
 * });
 * await model.fit(source, { epochs: 5 });
 * await source.close();
 * ```
 */
export function parquetSource<Out extends Output = string>(file: FileSource, options: SequenceOptions): Promise<FileDataSource<Out>> {
  return openSource(openParquet(file), options);
}

/**
 * The same out of an Arrow file, uncompressed. Needs the package `apache-arrow`. A stream's format tells nothing of what is where: it
 * is read as a whole. Record batches of no more rows than a chunk take the least memory and time.
 *
 * @throws {GatewiseError} as {@link parquetSource}
 *
 * @example
 * ```ts
 * const source = await arrowSource<{ values: 1 }>("load.arrow", { features: ["load"], target: "load", window: { steps: 168, ahead: 1 } });
 * ```
 */
export function arrowSource<Out extends Output = string>(file: FileSource, options: SequenceOptions): Promise<FileDataSource<Out>> {
  return openSource(openArrow(file), options);
}

async function openSource<Out extends Output>(opening: Promise<TableFile>, options: SequenceOptions): Promise<FileDataSource<Out>> {
  const file = await opening;
  try {
    const checked = checkSequenceOptions(options, file);
    const plan = new Plan(await findGroups(file, checked), checked.window, checked.chunkRows);
    if (plan.sizes.length > 0) return new TableSource(file, checked, plan);
    const { steps = 0, ahead = 0 } = checked.window ?? {};
    const message = file.rows === 0 ? "there are no rows" : `no sequence has the ${steps + ahead} rows of a window`;
    throw new GatewiseError("empty_data", file.name, `${file.name}: ${message}`);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** A chunk's rows, and where they begin in the file. */
interface Rows {
  readonly columns: Columns;
  readonly first: number;
}

class TableSource<Out extends Output> implements FileDataSource<Out> {
  readonly sizes: readonly number[];
  readonly #file: TableFile;
  readonly #options: Checked;
  readonly #plan: Plan;

  constructor(file: TableFile, options: Checked, plan: Plan) {
    this.#file = file;
    this.#options = options;
    this.#plan = plan;
    this.sizes = plan.sizes;
  }

  async read(index: number): Promise<LabelledData<Out>> {
    if (!(index in this.sizes)) throw new GatewiseError("invalid_option", "chunk", `there is no chunk ${index}: there are ${this.sizes.length}`);
    const { features, statics, target, time } = this.#options;
    const chunk = this.#plan.chunk(index);
    const first = chunk.pieces[0]?.start ?? 0;
    const names = new Set([...features, ...statics, target, ...(time === undefined ? [] : [time])]);
    const wanted = Array.from(names, (name) => ({ name, kind: askedKind(this.#options, name) }));
    const rows = { columns: await this.#file.read(wanted, first, chunk.pieces.at(-1)?.end ?? 0), first };
    if (time !== undefined) this.#checkTimes(rows, chunk, time);
    // What `Out` says of the targets is the caller's word.
    return { ...this.#sequences(rows, chunk), targets: this.#targets(rows, chunk) } as LabelledData<Out>;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** [start, end) of every sample's steps, within the rows that were read; with `ahead` the target's rows come right behind. */
  *#samples({ first }: Rows, { pieces }: Chunk): Generator<readonly [start: number, end: number]> {
    const { window } = this.#options;
    for (const { start, end, samples } of pieces) {
      for (let sample = 0; sample < samples; sample++) {
        const from = start - first + sample * (window?.stride ?? 0);
        yield [from, window ? from + window.steps : end - first];
      }
    }
  }

  #sequences(rows: Rows, chunk: Chunk) {
    const { features, statics } = this.#options;
    const spans = [...this.#samples(rows, chunk)];
    const lengths = Uint32Array.from(spans, ([start, end]) => end - start);
    const steps = lengths.reduce((most, length) => Math.max(most, length), 0);
    const x = new Float32Array(spans.length * steps * features.length);
    for (const [feature, name] of features.entries()) {
      const values = this.#numbers(rows, name);
      for (const [sample, [start, end]] of spans.entries()) {
        for (let row = start, at = sample * steps * features.length + feature; row < end; row++, at += features.length) {
          x[at] = this.#known(values, row, rows, name);
        }
      }
    }
    const shape = [spans.length, steps, features.length] as const;
    return { x, shape, lengths, ...(statics.length > 0 && { statics: this.#statics(rows, spans) }) };
  }

  #statics(rows: Rows, spans: readonly (readonly [number, number])[]): Float32Array {
    const { statics } = this.#options;
    const columns = statics.map((name) => this.#numbers(rows, name));
    return Float32Array.from({ length: spans.length * statics.length }, (_, at) => {
      const [sample, index] = [Math.floor(at / statics.length), at % statics.length];
      return this.#known(columns[index] as Float64Array, spans[sample]?.[0] ?? 0, rows, statics[index] ?? "");
    });
  }

  #targets(rows: Rows, chunk: Chunk): Float32Array | string[] | string[][] {
    const { target, at, window } = this.#options;
    const column = rows.columns.get(target) as Column;
    const spans = [...this.#samples(rows, chunk)];
    const ahead = window?.ahead ?? 0;
    // The rows that each sample's targets stand in.
    const places = spans.map(([start, end]) => (at === "each" ? [start, end] : ahead > 0 ? [end, end + ahead] : [end - 1, end]) as [number, number]);
    if (column.kind !== "category") return this.#values(column.values, places, rows);
    if (at === "each") return places.map(([from, to]) => Array.from({ length: to - from }, (_, index) => this.#name(column, from + index, rows)));
    if (ahead > 1) {
      const message = `"${target}" has names: one class can be predicted, not ${ahead}`;
      throw new GatewiseError("invalid_option", "options.window.ahead", message);
    }
    return places.map(([from]) => this.#name(column, from, rows));
  }

  /** [n, rows of the longest, 1], padded as the steps are. */
  #values(values: Float64Array, places: readonly (readonly [number, number])[], rows: Rows): Float32Array {
    const most = places.reduce((most, [from, to]) => Math.max(most, to - from), 0);
    const targets = new Float32Array(places.length * most);
    for (const [sample, [from, to]] of places.entries()) {
      for (let row = from; row < to; row++) targets[sample * most + row - from] = this.#known(values, row, rows, this.#options.target);
    }
    return targets;
  }

  #numbers({ columns }: Rows, name: string): Float64Array {
    const column = columns.get(name) as Column;
    if (column.kind !== "category") return column.values;
    const message = `"${name}" holds names, and features and statics are numbers: encode it, or ask for numbers with \`columns\``;
    throw new GatewiseError("invalid_option", "options.features", message);
  }

  #known(values: Float64Array, row: number, { first }: Rows, column: string): number {
    const value = values[row] as number;
    if (value === value) return value;
    throw invalidFile(this.#file.name, { row: first + row, column }, "the value is missing: fill the gaps before");
  }

  #name({ codes, names }: CategoryColumn, row: number, { first }: Rows): string {
    const name = names[codes[row] as number];
    if (name !== undefined) return name;
    throw invalidFile(this.#file.name, { row: first + row, column: this.#options.target }, "the value is missing, and it is what is to be predicted");
  }

  /** Fails unless times rise within each sequence. */
  #checkTimes({ columns, first }: Rows, { pieces }: Chunk, name: string): void {
    const column = columns.get(name) as Column;
    if (column.kind === "category") throw new GatewiseError("invalid_option", "options.time", `"${name}" holds names, neither times nor numbers`);
    for (const { start, end } of pieces) {
      for (let row = start - first; row < end - first; row++) {
        const [before, value] = [row > start - first ? (column.values[row - 1] as number) : -Infinity, column.values[row] as number];
        if (value > before) continue;
        const place = { row: first + row, column: name };
        if (Number.isNaN(value)) throw invalidFile(this.#file.name, place, "the time is missing");
        const message =
          value === before
            ? "it is the same as in the row before: join the two"
            : `it is before the row before: sort the file by "${name}" within each sequence`;
        throw invalidFile(this.#file.name, place, message);
      }
    }
  }
}
