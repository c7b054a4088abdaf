// A stream of CSV bytes as batches of records, with the line of each: cuts the stream where records end. Knows nothing of columns.

import { invalidFile } from "../errors.js";
import { CsvFault, CsvScanner, INCOMPLETE } from "./scanner.js";

/** Bytes that are worked on at once: they and the places of their fields stay in the processor's cache. */
const WINDOW = 1 << 18;

/** A record that is longer than this is taken for a missing quotation mark. */
const LONGEST = 1 << 26;

/** Records, each of as many fields. */
export interface Records {
  readonly bytes: Uint8Array;
  readonly bounds: Int32Array;
  readonly rows: number;
  readonly width: number;
  /** [rows] The line on which each begins, from 1. */
  readonly lines: Float64Array;
}

export interface Grammar {
  /** Bytes below 128. */
  readonly delimiter: number;
  readonly quote: number;
}

/** What is known of the file for errors. */
export interface Naming {
  readonly name: string;
  /** The names of the columns; none before the first record is read. */
  columns: readonly string[];
}

/**
 * The file's records, some of them at a time. Each batch is worked on before the next is asked for: it reuses its memory.
 * Lines without anything on them are skipped.
 *
 * @param firstAlone whether the first record comes by itself, as a header does
 */
export async function* readRecords(
  chunks: AsyncGenerator<Uint8Array>,
  grammar: Grammar,
  naming: Naming,
  firstAlone: boolean,
): AsyncGenerator<Records> {
  const cutter = new Cutter(grammar, naming);
  let most = firstAlone ? 1 : Infinity;
  function* whole(final: boolean): Generator<Records> {
    for (;;) {
      const records = cutter.cut(final, most);
      if (records.rows === 0) return;
      most = Infinity;
      yield records;
    }
  }
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += WINDOW) {
      cutter.append(chunk.subarray(at, at + WINDOW));
      yield* whole(false);
    }
  }
  yield* whole(true);
}

class Cutter {
  readonly #scanner: CsvScanner;
  readonly #naming: Naming;
  #bytes: Uint8Array = new Uint8Array(WINDOW * 2);
  #start = 0;
  #end = 0;
  /** The line on which the next record begins. */
  #line = 1;
  #width = 0;
  #lines = new Float64Array(1024);
  #begun = false;

  constructor({ delimiter, quote }: Grammar, naming: Naming) {
    this.#scanner = new CsvScanner(delimiter, quote);
    this.#naming = naming;
  }

  /** Adds bytes behind those that are left. */
  append(chunk: Uint8Array): void {
    const left = this.#end - this.#start;
    if (left > LONGEST) {
      const message = `a record of more than ${LONGEST >> 20} MiB begins here: probably a quotation mark is missing`;
      throw invalidFile(this.#naming.name, { line: this.#line }, message);
    }
    if (left + chunk.length > this.#bytes.length) {
      const larger = new Uint8Array((left + chunk.length) * 2);
      larger.set(this.#bytes.subarray(this.#start, this.#end));
      this.#bytes = larger;
    } else {
      this.#bytes.copyWithin(0, this.#start, this.#end);
    }
    this.#bytes.set(chunk, left);
    this.#start = 0;
    this.#end = left + chunk.length;
  }

  /** The records that are whole, `most` at the most. `final`: nothing comes after these bytes. */
  cut(final: boolean, most: number): Records {
    const scanner = this.#scanner;
    scanner.clear();
    let rows = 0;
    if (!this.#begun && !this.#begin(final)) return this.#records(0);
    while (this.#start < this.#end && rows < most) {
      if (this.#skipEmptyLine(final)) continue;
      const before = scanner.fields;
      const next = this.#record(final);
      if (next === INCOMPLETE) break;
      const fields = scanner.fields - before;
      if (this.#width === 0) this.#width = fields;
      if (fields !== this.#width) throw this.#ragged(fields);
      if (rows === this.#lines.length) this.#growLines();
      this.#lines[rows++] = this.#line;
      this.#line += 1 + scanner.lines;
      this.#start = next;
    }
    return this.#records(rows);
  }

  #records(rows: number): Records {
    return { bytes: this.#bytes, bounds: this.#scanner.bounds, rows, width: this.#width, lines: this.#lines };
  }

  /** Skips a byte order mark. Returns whether there are bytes enough to tell. */
  #begin(final: boolean): boolean {
    const [first = 0, second = 0, third = 0] = this.#bytes.subarray(this.#start, this.#end);
    if (this.#end - this.#start < 3 && !final) return false;
    if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
      throw invalidFile(this.#naming.name, { line: 1 }, "this is UTF-16: save the file as UTF-8");
    }
    if (first === 0xef && second === 0xbb && third === 0xbf) this.#start += 3;
    this.#begun = true;
    return true;
  }

  #skipEmptyLine(final: boolean): boolean {
    const byte = this.#bytes[this.#start];
    if (byte !== 10 && byte !== 13) return false;
    if (byte === 13 && this.#start + 1 === this.#end && !final) return false;
    this.#start += byte === 13 && this.#start + 1 < this.#end && this.#bytes[this.#start + 1] === 10 ? 2 : 1;
    this.#line++;
    return true;
  }

  #record(final: boolean): number {
    try {
      return this.#scanner.record(this.#bytes, this.#start, this.#end, final);
    } catch (error) {
      if (!(error instanceof CsvFault)) throw error;
      const column = this.#naming.columns[error.column];
      throw invalidFile(this.#naming.name, { line: this.#line + error.lines, column }, error.message);
    }
  }

  #ragged(fields: number): Error {
    const what = fields < this.#width ? `${this.#width - fields} are missing` : `${fields - this.#width} too many`;
    const message = `the record has ${fields} fields, those before it have ${this.#width}: ${what}`;
    return invalidFile(this.#naming.name, { line: this.#line, column: this.#naming.columns[fields] }, message);
  }

  #growLines(): void {
    const larger = new Float64Array(this.#lines.length * 2);
    larger.set(this.#lines);
    this.#lines = larger;
  }
}
