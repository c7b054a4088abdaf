// A table's columns as pipelines read them, and errors that name a table's place. Knows nothing of groups or steps.

import { type ErrorCode, GatewiseError } from "../../errors.js";
import type { CategoryColumn, Column, Table } from "../table.js";

/** The column of this name, or an error that says which there are. `wanted` is the definition's field that names it. */
export function columnOf(table: Table, name: string, wanted: string): Column {
  // Not `in`: a column may be called as a method of every object.
  const column = Object.hasOwn(table.columns, name) ? table.columns[name] : undefined;
  if (column !== undefined) return column;
  const known = Object.keys(table.columns).slice(0, 20).map((name) => `"${name}"`);
  const message = `${wanted} names the column "${name}", which ${nameOf(table)} does not have: there are ${known.join(", ") || "none"}`;
  throw new GatewiseError("invalid_data", `columns.${name}`, message);
}

/** What errors call a table. */
export function nameOf(table: Table): string {
  return table.source ?? "the table";
}

/** The error of one cell; rows count from 0. `message` is a sentence that says what to do. */
export function cellError(
  table: Table,
  row: number,
  column: string,
  message: string,
  code: ErrorCode = "invalid_data",
): GatewiseError {
  const place = `${nameOf(table)}, row ${row}, column "${column}"`;
  return new GatewiseError(code, `${table.source ?? "rows"}[${row}].${column}`, `${place}: ${message}`);
}

/** A column's numbers; booleans are 0 and 1. */
export function numbersOf(column: Column, name: string, wanted: string): Float64Array {
  if (column.kind === "number") return column.values;
  const instead = column.kind === "time" ? "a time: use calendar or elapsed" : "a category: give encode, or what is no number is in it";
  throw new GatewiseError("invalid_data", `columns.${name}`, `${wanted} reads numbers, and the column "${name}" is ${instead}`);
}

/** A column's times, in milliseconds. */
export function timesOf(column: Column, name: string): Float64Array {
  // Numbers order as well as dates do: years, or a count.
  if (column.kind !== "category") return column.values;
  const message = `time reads points in time or numbers, and the column "${name}" is a category: read it as a time`;
  throw new GatewiseError("invalid_data", `columns.${name}`, message);
}

/** A column's categories: those of numbers are what they look like. */
export function categoriesOf(column: Column): CategoryColumn {
  if (column.kind === "category") return column;
  const show = column.kind === "time" ? (value: number) => new Date(value).toISOString() : String;
  const known = new Map<number, number>();
  const names: string[] = [];
  const codes = Int32Array.from(column.values, (value) => {
    if (Number.isNaN(value)) return -1;
    const code = known.get(value) ?? names.length;
    if (code === names.length) {
      known.set(value, code);
      names.push(show(value));
    }
    return code;
  });
  return { kind: "category", codes, names };
}

/** The categories as a list in their natural order: numbers by size, everything else by code units as scikit-learn does. */
export function sorted(names: readonly string[]): string[] {
  const numeric = names.length > 0 && names.every((name) => name.trim() !== "" && Number.isFinite(Number(name)));
  return numeric ? names.toSorted((a, b) => Number(a) - Number(b)) : names.toSorted();
}
