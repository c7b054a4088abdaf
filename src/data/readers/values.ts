// Columns out of JavaScript values, one after the other. Knows nothing of where the values come from.

import type { Column } from "../table.js";
import { parseNumber, parseTime } from "./csv/parse.js";
import { type ColumnKind, MISSING } from "./options.js";

const encoder = new TextEncoder();
const missing = new Set(MISSING);

/** A value that a column cannot hold; the message says why. */
export class ValueFault extends Error {}

/** A column of so many rows, filled from the first to the last. */
export interface FilledColumn {
  /** Rows that are filled. */
  readonly filled: number;
  /** Fills the next row. @throws {ValueFault} */
  add(value: unknown): void;
  /** Fills the next rows with values `from` to before `to`. @throws {ValueFault} at row `filled` */
  addAll(values: ArrayLike<unknown>, from: number, to: number): void;
  finish(): Column;
}

/** An empty column. What is left unfilled is missing. */
export function filledColumn(kind: ColumnKind, rows: number): FilledColumn {
  return kind === "category" ? new Names(rows) : new Values(kind, rows);
}

class Values implements FilledColumn {
  readonly #kind: "number" | "time";
  readonly #values: Float64Array;
  filled = 0;

  constructor(kind: "number" | "time", rows: number) {
    this.#kind = kind;
    this.#values = new Float64Array(rows).fill(NaN);
  }

  add(value: unknown): void {
    const row = this.filled;
    if (typeof value === "number") this.#values[row] = value;
    else if (value !== null && value !== undefined) this.#values[row] = this.#kind === "time" ? timeOf(value) : numberOf(value);
    this.filled = row + 1;
  }

  addAll(values: ArrayLike<unknown>, from: number, to: number): void {
    for (let index = from; index < to; index++) this.add(values[index]);
  }

  finish(): Column {
    return { kind: this.#kind, values: this.#values };
  }
}

class Names implements FilledColumn {
  readonly #codes: Int32Array;
  readonly #names: string[] = [];
  readonly #known = new Map<unknown, number>();
  filled = 0;

  constructor(rows: number) {
    this.#codes = new Int32Array(rows).fill(-1);
  }

  add(value: unknown): void {
    if (value !== null && value !== undefined) this.#codes[this.filled] = this.#known.get(value) ?? this.#codeOf(value);
    this.filled++;
  }

  addAll(values: ArrayLike<unknown>, from: number, to: number): void {
    for (let index = from; index < to; index++) this.add(values[index]);
  }

  /** The code of a value that is met for the first time; several values may have one name. */
  #codeOf(value: unknown): number {
    const name = nameOf(value);
    let code = name === undefined ? -1 : this.#known.get(name);
    if (code === undefined) code = this.#names.push(name as string) - 1;
    if (name !== undefined) this.#known.set(name, code);
    if (typeof value !== "object") this.#known.set(value, code);
    return code;
  }

  finish(): Column {
    return { kind: "category", codes: this.#codes, names: this.#names };
  }
}

function numberOf(value: unknown): number {
  if (typeof value === "bigint") return exactly(value);
  if (typeof value === "boolean") return value ? 1 : 0;
  if (value instanceof Date) return timeOf(value);
  if (typeof value !== "string") throw new ValueFault(`${shown(value)} is no number`);
  if (missing.has(value.trim())) return NaN;
  const bytes = encoder.encode(value);
  const number = parseNumber(bytes, 0, bytes.length);
  if (Number.isNaN(number)) throw new ValueFault(`${shown(value)} is no finite number`);
  return number;
}

function exactly(value: bigint): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new ValueFault(`${value} is beyond the whole numbers that a double holds exactly: read the column as a "category"`);
}

function timeOf(value: unknown): number {
  if (typeof value === "bigint") return exactly(value);
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.getTime();
  if (typeof value !== "string") throw new ValueFault(`${shown(value)} is no time`);
  if (missing.has(value.trim())) return NaN;
  const time = timeOfText(value);
  if (Number.isNaN(time)) throw new ValueFault(`${shown(value)} is no time in ISO 8601`);
  return time;
}

/** Milliseconds since 1970 of what ISO 8601 writes so; NaN for any other text. */
export function timeOfText(text: string): number {
  const bytes = encoder.encode(text);
  return parseTime(bytes, 0, bytes.length);
}

/** Undefined where there is none. */
function nameOf(value: unknown): string | undefined {
  if (typeof value === "string") return missing.has(value) ? undefined : value;
  if (typeof value === "number") return Number.isNaN(value) ? undefined : String(value);
  if (typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  throw new ValueFault(`${shown(value)} is no name`);
}

/** A value as errors show it. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (value instanceof Date) return "an invalid date";
  return typeof value === "object" ? (Array.isArray(value) ? "an array" : "an object") : String(value);
}

/** Whether text stands for a missing value. */
export function isMissing(text: string): boolean {
  return missing.has(text);
}
