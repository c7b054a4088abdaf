// `readCsv`: a stream of CSV into a table. What its columns hold is told from a sample of the file's beginning; a column that
// turns out to be something else later on is read once more, as names.

import { GatewiseError } from "../../../errors.js";
import type { Column, Table } from "../../table.js";
import { assertColumns, invalidFile } from "../errors.js";
import { MISSING, type TableOptions, askedKind, checkTableOptions, isNames } from "../options.js";
import { type ByteStream, type StreamSource, byteStream } from "../source.js";
import { type GrowingColumn, type Reading, type TextKind, fieldBytes, growingColumn, kindOfFields } from "./columns.js";
import { type Grammar, type Naming, type Records, readRecords } from "./records.js";

/** How a CSV file is read. */
export interface CsvOptions extends TableOptions {
  /** What stands between fields: one ASCII character. A comma unless given. */
  readonly delimiter?: string | undefined;
  /** The names of the columns of a file that has no header line. */
  readonly names?: readonly string[] | undefined;
  /** What stands for a missing value, quoted or not: the empty text, NA, N/A, NaN, nan, NULL and null unless given. */
  readonly missing?: readonly string[] | undefined;
  /** The encoding of text, as `TextDecoder` calls it, such as `"latin1"`. `"utf-8"` unless given. */
  readonly encoding?: string | undefined;
}

const QUOTE = 34;

/**
 * A table from a CSV file: its columns as typed arrays. Files of gigabytes are read as a stream; their text is never held.
 *
 * The first line has the names. Fields may be quoted ("), lines end with LF, CR LF or CR, a byte order mark and empty lines are
 * skipped, and what gzip packed is unpacked. Unless `columns` says it, a column is what all of its values are:
 *
 * - `number` where each is a decimal number (`-1.5e3`), or each `true` or `false`: 1 and 0. As the double next to it.
 * - `time` where each is a date or a date and time in ISO 8601 (`2010-12-01`, `2010-12-01T08:26:00Z`, `2010-12-01 08:26+01:00`).
 *   What has no offset is UTC.
 * - `category` everywhere else: names, in the order in which they first appear.
 *
 * Missing are empty fields, `NA`, `N/A`, `NaN`, `nan`, `NULL` and `null`, unless `missing` says otherwise: NaN in numbers and
 * times, −1 in categories. A column without any value is one of numbers.
 *
 * @param source a path (in browsers an address), a URL, bytes, a `Blob`, or a stream of bytes. A stream cannot be read twice: a
 * column in it that stops being of numbers or times far from the beginning is an error, which says what to ask for
 * @param options what to read, and how
 * @throws {GatewiseError} `invalid_file` with line and column (a record with fewer or more fields, a number that is none in a
 * column that was asked to be of numbers, a quotation mark that is missing, a file that ends early); `file_access`;
 * `empty_data`; `invalid_option` (a column that is not there, …)
 *
 * @example
 * ```ts
 * const orders = await readCsv("orders.csv.gz", { columns: { customer: "category" }, select: ["customer", "time", "value"] });
 * const { time } = orders.columns;
 * if (time?.kind === "time") console.log(orders.rows, new Date(time.values[0]));
 * ```
 */
export async function readCsv(source: StreamSource, options: CsvOptions = {}): Promise<Table> {
  const grammar = checkOptions(options);
  const stream = byteStream(source);
  const read = new CsvRead(stream, grammar, options);
  const { columns, rows } = await read.all();
  const names = options.select ?? read.naming.columns;
  return { rows, columns: Object.fromEntries(names.map((name) => [name, columns.get(name) as Column])), source: stream.name };
}

function checkOptions(options: CsvOptions): Grammar {
  checkTableOptions(options);
  const { delimiter = ",", names, missing } = options;
  const code = typeof delimiter === "string" && delimiter.length === 1 ? delimiter.charCodeAt(0) : 128;
  if (code > 127 || code === QUOTE || code === 10 || code === 13) {
    throw new GatewiseError("invalid_option", "options.delimiter", "the delimiter must be one ASCII character, and no quotation mark or line end");
  }
  if (names !== undefined && !isNames(names)) {
    throw new GatewiseError("invalid_option", "options.names", "names must be a list of column names, no two alike and not empty");
  }
  if (missing !== undefined && !(Array.isArray(missing) && missing.every((word) => typeof word === "string"))) {
    throw new GatewiseError("invalid_option", "options.missing", "missing must be a list of texts");
  }
  return { delimiter: code, quote: QUOTE };
}

function decoderOf(encoding: string): TextDecoder {
  try {
    const decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
    if (!decoder.encoding.startsWith("utf-16")) return decoder;
  } catch {
    // Said below.
  }
  const message = `"${encoding}" is no encoding that can be read: give one that TextDecoder knows and in which ASCII is ASCII`;
  throw new GatewiseError("invalid_option", "options.encoding", message);
}

/** A column on its way. */
interface Reader {
  readonly name: string;
  readonly index: number;
  readonly asked: boolean;
  /** Undefined until a value has come. */
  kind: TextKind | undefined;
  growing: GrowingColumn | undefined;
  /** Whether the file has to be read once more for it. */
  again: boolean;
}

function reader(name: string, index: number, kind: TextKind | undefined, asked: boolean): Reader {
  return { name, index, asked, kind, growing: undefined, again: false };
}

/** One call of `readCsv`. */
class CsvRead {
  readonly naming: Naming;
  readonly #stream: ByteStream;
  readonly #grammar: Grammar;
  readonly #options: CsvOptions;
  readonly #reading: Reading;

  constructor(stream: ByteStream, grammar: Grammar, options: CsvOptions) {
    this.#stream = stream;
    this.#grammar = grammar;
    this.#options = options;
    this.#reading = { missing: options.missing ?? MISSING, decoder: decoderOf(options.encoding ?? "utf-8"), quote: grammar.quote };
    this.naming = { name: stream.name, columns: options.names ?? [] };
  }

  async all(): Promise<{ rows: number; columns: Map<string, Column> }> {
    const columns = new Map<string, Column>();
    const first = await this.#pass((names) => this.#readers(names));
    const again = first.readers.filter((reader) => reader.again);
    for (const reader of first.readers) if (!reader.again) columns.set(reader.name, finished(reader, first.rows));
    if (again.length === 0) return { rows: first.rows, columns };
    const second = await this.#pass(() => again.map(({ name, index }) => reader(name, index, "category", false)));
    if (second.rows !== first.rows) {
      throw new GatewiseError("file_access", "source", `${this.#stream.name} changed while it was read: read it again`);
    }
    for (const reader of second.readers) columns.set(reader.name, finished(reader, second.rows));
    return { rows: first.rows, columns };
  }

  /** Reads the file from its beginning to its end. */
  async #pass(readersOf: (names: readonly string[]) => Reader[]): Promise<{ rows: number; readers: Reader[] }> {
    const headed = this.#options.names === undefined;
    if (headed) this.naming.columns = [];
    let readers: Reader[] | undefined = headed ? undefined : readersOf(this.naming.columns);
    let rows = 0;
    for await (const records of readRecords(this.#stream.chunks(), this.#grammar, this.naming, headed)) {
      if (!readers) {
        this.naming.columns = this.#header(records);
        readers = readersOf(this.naming.columns);
        continue;
      }
      if (rows === 0) this.#checkWidth(records);
      for (const reader of readers) this.#add(reader, records, rows);
      rows += records.rows;
    }
    if (!readers || rows === 0) {
      throw new GatewiseError("empty_data", this.#stream.name, `${this.#stream.name} has ${readers ? "no line below its header" : "nothing in it"}`);
    }
    return { rows, readers };
  }

  #header(records: Records): string[] {
    const line = records.lines[0] ?? 1;
    const names = Array.from({ length: records.width }, (_, index) => {
      const text = fieldBytes(records, 0, index, QUOTE);
      try {
        return this.#reading.decoder.decode(text) || `column${index + 1}`;
      } catch (cause) {
        throw this.#notText({ line, column: `column${index + 1}` }, cause);
      }
    });
    const twice = names.find((name, index) => names.indexOf(name) < index);
    if (twice === undefined) return names;
    throw invalidFile(this.#stream.name, { line, column: twice }, "two columns have this name: rename one, or give `names` and no header");
  }

  /** The columns to read. */
  #readers(present: readonly string[]): Reader[] {
    const { select, columns } = this.#options;
    assertColumns(select ?? [], present, "options.select", this.#stream.name);
    for (const name of Object.keys(columns ?? {})) assertColumns([name], present, `options.columns.${name}`, this.#stream.name);
    return (select ?? present).map((name) => {
      const kind = askedKind(this.#options, name);
      return reader(name, present.indexOf(name), kind, kind !== undefined);
    });
  }

  #checkWidth({ width, lines }: Records): void {
    if (width === this.naming.columns.length) return;
    const message = `the record has ${width} fields, and there are names for ${this.naming.columns.length}`;
    throw invalidFile(this.#stream.name, { line: lines[0] ?? 1 }, message);
  }

  /** Adds records to a column; `before` rows came earlier. */
  #add(reader: Reader, records: Records, before: number): void {
    if (reader.again) return;
    reader.kind ??= kindOfFields(records, reader.index, this.#reading);
    if (reader.kind === undefined) return;
    if (!reader.growing) {
      reader.growing = growingColumn(reader.kind, this.#reading, reader.asked);
      reader.growing.addMissing(before);
    }
    const row = reader.growing.add(records, reader.index);
    if (row < 0) return;
    const place = { line: records.lines[row] ?? 0, column: reader.name };
    if (reader.kind === "category") throw this.#notText(place);
    if (!reader.asked && this.#stream.again) {
      reader.again = true;
      reader.growing = undefined;
      return;
    }
    const text = new TextDecoder().decode(fieldBytes(records, row, reader.index, QUOTE));
    throw invalidFile(this.#stream.name, place, contradiction(reader, text, before + row));
  }

  #notText(place: { line: number; column: string }, cause?: unknown): GatewiseError {
    const { encoding } = this.#reading.decoder;
    return invalidFile(this.#stream.name, place, `this is not ${encoding} text: give the file's \`encoding\`, such as "latin1"`, cause);
  }
}

function contradiction({ kind, asked, name }: Reader, text: string, rows: number): string {
  const shown = JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
  const wanted = kind === "time" ? "time in ISO 8601" : "finite number";
  if (asked) return `${shown} is no ${wanted}: correct it, name it in \`missing\`, or read the column as a "category"`;
  const advice = `a stream cannot be read again: give columns: { ${JSON.stringify(name)}: "category" }`;
  return `${shown} is no ${wanted}, after ${rows} rows of ${kind === "time" ? "times" : `${kind}s`}; ${advice}`;
}

function finished({ growing }: Reader, rows: number): Column {
  return growing?.finish() ?? { kind: "number", values: new Float64Array(rows).fill(NaN) };
}
