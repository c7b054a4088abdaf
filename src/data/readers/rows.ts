// `tableFromRows`: objects, one a row, into a table.

import { GatewiseError } from "../../errors.js";
import { kindOf } from "../buffers.js";
import type { Column, Table } from "../table.js";
import { assertColumns } from "./errors.js";
import { type ColumnKind, type TableOptions, askedKind, checkTableOptions } from "./options.js";
import { ValueFault, filledColumn, isMissing, shown, timeOfText } from "./values.js";

type Rows = readonly Readonly<Record<string, unknown>>[];

/** Kinds as values tell them apart. */
type ValueKind = "boolean" | "number" | "time" | "text";

/**
 * A table from objects, one a row: such as the rows of a database, or of JSON.
 *
 * A column is there for every key that some row has. Unless `columns` says it, it is what its values are: numbers or bigints a
 * column of numbers, booleans one of 0 and 1, `Date`s and texts that all are times in ISO 8601 one of times, other texts names.
 * Missing are absent keys, `null`, `undefined`, `NaN`, and the texts that {@link readCsv} takes for missing.
 *
 * @param rows the rows; what else they hold is not looked at with `select`
 * @param options which columns, and what they hold: a text is then read as a number or a time, a number as milliseconds since
 * 1970 or as a name
 * @throws {GatewiseError} `invalid_option` with a path such as `rows[3].price` where types are mixed or a value does not fit;
 * `empty_data`
 *
 * @example
 * ```ts
 * const table = tableFromRows([
 *   { customer: "a", time: "2024-05-01", value: 12.5 },
 *   { customer: "b", time: "2024-05-02", value: null },
 * ]);
 * table.columns.value; // { kind: "number", values: Float64Array [12.5, NaN] }
 * ```
 */
export function tableFromRows(rows: Rows, options: TableOptions = {}): Table {
  checkTableOptions(options);
  const present = keysOf(rows);
  assertColumns(options.select ?? [], present, "options.select", "the table");
  for (const name of Object.keys(options.columns ?? {})) assertColumns([name], present, `options.columns.${name}`, "the table");
  const names = options.select ?? present;
  return { rows: rows.length, columns: Object.fromEntries(names.map((name) => [name, columnOf(rows, name, askedKind(options, name))])) };
}

function keysOf(rows: Rows): string[] {
  if (!Array.isArray(rows)) throw new GatewiseError("invalid_option", "rows", `rows must be an array of objects, not ${kindOf(rows)}`);
  if (rows.length === 0) throw new GatewiseError("empty_data", "rows", "there is no row: give at least one");
  const keys = new Set<string>();
  for (const [index, row] of rows.entries()) {
    if (typeof row !== "object" || row === null || Array.isArray(row)) {
      throw new GatewiseError("invalid_option", `rows[${index}]`, `a row must be an object, not ${kindOf(row)}`);
    }
    for (const key in row) keys.add(key);
  }
  return [...keys];
}

function columnOf(rows: Rows, name: string, asked: ColumnKind | undefined): Column {
  const column = filledColumn(asked ?? inferredKind(rows, name), rows.length);
  for (const [index, row] of rows.entries()) {
    try {
      column.add(row[name]);
    } catch (fault) {
      if (!(fault instanceof ValueFault)) throw fault;
      throw new GatewiseError("invalid_option", pathOf(index, name), `row ${index}, column "${name}": ${fault.message}`);
    }
  }
  return column.finish();
}

/** What all values of a column are. */
function inferredKind(rows: Rows, name: string): ColumnKind {
  let kind: ValueKind | undefined;
  let first = 0;
  /** Whether all texts so far are times. */
  let times = true;
  for (const [index, row] of rows.entries()) {
    const value = row[name];
    const its = kindOfValue(value, index, name);
    if (its === undefined) continue;
    if (its === "text") times &&= !Number.isNaN(timeOfText(value as string));
    if (kind === undefined) [kind, first] = [its, index];
    if (kind === its) continue;
    const other = `${shown(rows[first]?.[name])} of row ${first}`;
    const message = `${shown(value)} is not like ${other}: make them alike, or say what the column holds in \`columns\``;
    throw new GatewiseError("invalid_option", pathOf(index, name), `row ${index}, column "${name}": ${message}`);
  }
  if (kind === "text") return times ? "time" : "category";
  return kind === "time" ? "time" : "number";
}

function kindOfValue(value: unknown, index: number, name: string): ValueKind | undefined {
  if (value === null || value === undefined || Number.isNaN(value)) return undefined;
  if (typeof value === "string") return isMissing(value) ? undefined : "text";
  if (typeof value === "number" || typeof value === "bigint") return "number";
  if (typeof value === "boolean") return "boolean";
  if (value instanceof Date) return "time";
  throw new GatewiseError("invalid_option", pathOf(index, name), `row ${index}, column "${name}": ${shown(value)} is no number, time or text`);
}

function pathOf(row: number, name: string): string {
  return `rows[${row}].${name}`;
}
