// Columns that grow as batches of fields come: numbers, times, categories. Knows nothing of lines, nor of where bytes come from.

import type { Column } from "../../table.js";
import { Dictionary, grown } from "./dictionary.js";
import { parseBoolean, parseNumber, parseTime } from "./parse.js";

/** Fields of whole records. */
export interface Batch {
  readonly bytes: Uint8Array;
  /** [rows, width, 2] Where each field starts, or `~start` where two quotation marks in it stand for one, and ends. */
  readonly bounds: Int32Array;
  readonly rows: number;
  /** Fields a record. */
  readonly width: number;
}

/** What tells missing values, and how bytes become text. */
export interface Reading {
  readonly missing: readonly string[];
  readonly decoder: TextDecoder;
  /** The byte that quotes. */
  readonly quote: number;
}

export interface GrowingColumn {
  /**
   * Adds field `index` of every record.
   * @returns the first row, counted within the batch, whose field is not of this kind: then the column is of no more use; −1
   * where all are
   */
  add(batch: Batch, index: number): number;
  /** Adds rows without a value. */
  addMissing(rows: number): void;
  finish(): Column;
}

/** Kinds as they are told apart in text: booleans become numbers. */
export type TextKind = "boolean" | "number" | "time" | "category";

type Parse = (bytes: Uint8Array, start: number, end: number) => number;

/** An empty column. A column of numbers that was asked for takes booleans as well. */
export function growingColumn(kind: TextKind, reading: Reading, asked = false): GrowingColumn {
  switch (kind) {
    case "category":
      return new CategoryText(reading);
    case "time":
      return new ValueText("time", parseTime, reading);
    case "boolean":
      return new ValueText("number", parseBoolean, reading);
    case "number":
      return new ValueText("number", asked ? parseNumberOrBoolean : parseNumber, reading);
  }
}

function parseNumberOrBoolean(bytes: Uint8Array, start: number, end: number): number {
  const value = parseNumber(bytes, start, end);
  return Number.isNaN(value) ? parseBoolean(bytes, start, end) : value;
}

/** The kind of one field; undefined where it is missing. */
function kindOfField(bytes: Uint8Array, missing: MissingWords): TextKind | undefined {
  const [start, end] = [0, bytes.length];
  if (!Number.isNaN(parseNumber(bytes, start, end))) return "number";
  if (missing.has(bytes, start, end)) return undefined;
  if (!Number.isNaN(parseTime(bytes, start, end))) return "time";
  return Number.isNaN(parseBoolean(bytes, start, end)) ? "category" : "boolean";
}

/** A field's bytes, with one quotation mark for two. */
export function fieldBytes({ bytes, bounds, width }: Batch, row: number, index: number, quote: number): Uint8Array {
  const field = (row * width + index) * 2;
  const [start, end] = [bounds[field] as number, bounds[field + 1] as number];
  return start < 0 ? unescaped(bytes, ~start, end, quote) : bytes.subarray(start, end);
}

/** The kind that all the fields of a column have; undefined where all of them are missing. */
export function kindOfFields(batch: Batch, index: number, { missing, quote }: Reading): TextKind | undefined {
  const words = new MissingWords(missing);
  let kind: TextKind | undefined;
  for (let row = 0; row < batch.rows && kind !== "category"; row++) {
    const field = fieldBytes(batch, row, index, quote);
    const its = kindOfField(field, words);
    if (its !== undefined && its !== kind) kind = kind === undefined ? its : "category";
  }
  return kind;
}

/** The words for what is missing, as bytes; blanks around them do not count. */
class MissingWords {
  readonly #words: ReadonlySet<string>;
  readonly #longest: number;

  constructor(words: readonly string[]) {
    this.#words = new Set(words);
    this.#longest = Math.max(0, ...words.map((word) => new TextEncoder().encode(word).length));
  }

  has(bytes: Uint8Array, from: number, to: number): boolean {
    let [start, end] = [from, to];
    while (start < end && bytes[start] === 32) start++;
    while (start < end && bytes[end - 1] === 32) end--;
    if (end - start > this.#longest) return false;
    return this.#words.has(start === end ? "" : new TextDecoder().decode(bytes.subarray(start, end)));
  }
}

/** Numbers or times. */
class ValueText implements GrowingColumn {
  readonly #kind: "number" | "time";
  readonly #parse: Parse;
  readonly #missing: MissingWords;
  #values = new Float64Array(1024);
  #rows = 0;

  constructor(kind: "number" | "time", parse: Parse, { missing }: Reading) {
    this.#kind = kind;
    this.#parse = parse;
    this.#missing = new MissingWords(missing);
  }

  add({ bytes, bounds, rows, width }: Batch, index: number): number {
    if (this.#rows + rows > this.#values.length) this.#values = grown(this.#values, this.#rows + rows, Float64Array);
    const values = this.#values;
    const parse = this.#parse;
    let to = this.#rows;
    for (let row = 0, field = index * 2; row < rows; row++, field += width * 2) {
      const start = bounds[field] as number;
      const end = bounds[field + 1] as number;
      const value = start < 0 ? NaN : parse(bytes, start, end);
      // NaN is no number's or time's value: it is missing, or something else.
      if (value !== value && (start < 0 || !this.#missing.has(bytes, start, end))) return row;
      values[to++] = value;
    }
    this.#rows = to;
    return -1;
  }

  addMissing(rows: number): void {
    if (this.#rows + rows > this.#values.length) this.#values = grown(this.#values, this.#rows + rows, Float64Array);
    this.#values.fill(NaN, this.#rows, this.#rows + rows);
    this.#rows += rows;
  }

  finish(): Column {
    return { kind: this.#kind, values: this.#values.slice(0, this.#rows) };
  }
}

class CategoryText implements GrowingColumn {
  readonly #dictionary: Dictionary;
  readonly #quote: number;
  #codes = new Int32Array(1024);
  #rows = 0;

  constructor({ missing, decoder, quote }: Reading) {
    this.#dictionary = new Dictionary(decoder, missing);
    this.#quote = quote;
  }

  add({ bytes, bounds, rows, width }: Batch, index: number): number {
    if (this.#rows + rows > this.#codes.length) this.#codes = grown(this.#codes, this.#rows + rows, Int32Array);
    const codes = this.#codes;
    const dictionary = this.#dictionary;
    let to = this.#rows;
    for (let row = 0, field = index * 2; row < rows; row++, field += width * 2) {
      const start = bounds[field] as number;
      const end = bounds[field + 1] as number;
      try {
        codes[to++] = start < 0 ? this.#unescaped(bytes, ~start, end) : dictionary.codeOf(bytes, start, end);
      } catch (error) {
        if (error instanceof TypeError) return row; // not the text that the decoder takes
        throw error;
      }
    }
    this.#rows = to;
    return -1;
  }

  #unescaped(bytes: Uint8Array, start: number, end: number): number {
    const text = unescaped(bytes, start, end, this.#quote);
    return this.#dictionary.codeOf(text, 0, text.length);
  }

  addMissing(rows: number): void {
    if (this.#rows + rows > this.#codes.length) this.#codes = grown(this.#codes, this.#rows + rows, Int32Array);
    this.#codes.fill(-1, this.#rows, this.#rows + rows);
    this.#rows += rows;
  }

  finish(): Column {
    return { kind: "category", codes: this.#codes.slice(0, this.#rows), names: this.#dictionary.names };
  }
}

/** Bytes with one quotation mark for two. */
function unescaped(bytes: Uint8Array, start: number, end: number, quote: number): Uint8Array {
  const text = new Uint8Array(end - start);
  let length = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    text[length++] = byte;
    if (byte === quote) at++;
  }
  return text.subarray(0, length);
}
