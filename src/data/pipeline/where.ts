// Conditions on rows: from the definition's to one byte a row. Knows nothing of what they are for.

import { GatewiseError } from "../../errors.js";
import type { Column, Table } from "../table.js";
import { parseTime } from "./calendar.js";
import { columnOf } from "./columns.js";
import type { CellValue, ConditionDefinition, WhereDefinition } from "./definition.js";

/** [rows] 1 for each row that fulfils all of it. `path` is where it stands in the definition. */
export function rowsWhere(table: Table, where: WhereDefinition, path: string): Uint8Array {
  const rows = new Uint8Array(table.rows).fill(1);
  for (const [name, condition] of Object.entries(where)) {
    const column = columnOf(table, name, path);
    const missing = typeof condition === "object" && condition.missing === true ? 1 : 0;
    if (column.kind === "category") keepCategories(rows, column.codes, column.names.map(ofCategory(condition, `${path}.${name}`)), missing);
    else keepNumbers(rows, column.values, ofNumber(condition, column, `${path}.${name}`), missing);
  }
  return rows;
}

function keepNumbers(rows: Uint8Array, values: Float64Array, holds: (value: number) => boolean, missing: 0 | 1): void {
  for (let row = 0; row < rows.length; row++) {
    const value = values[row] as number;
    if (Number.isNaN(value) ? missing === 0 : missing === 1 || !holds(value)) rows[row] = 0;
  }
}

function keepCategories(rows: Uint8Array, codes: Int32Array, holds: readonly boolean[], missing: 0 | 1): void {
  for (let row = 0; row < rows.length; row++) {
    const code = codes[row] as number;
    if (code < 0 ? missing === 0 : missing === 1 || !holds[code]) rows[row] = 0;
  }
}

function ofCategory(condition: ConditionDefinition, path: string): (name: string) => boolean {
  if (typeof condition !== "object") return (name) => name === String(condition);
  const { not, in: list, missing: _, ...ranges } = condition;
  if (Object.values(ranges).some((bound) => bound !== undefined)) {
    throw new GatewiseError("invalid_data", path, `${path} compares numbers, and the column is a category: use in or not`);
  }
  const among = list?.map(String);
  return (name) => (not === undefined || name !== String(not)) && (among === undefined || among.includes(name));
}

function ofNumber(condition: ConditionDefinition, column: Column, path: string): (value: number) => boolean {
  const read = (value: CellValue): number => {
    const number = column.kind === "time" && typeof value === "string" ? parseTime(value) : Number(value);
    if (!Number.isNaN(number)) return number;
    throw new GatewiseError("invalid_data", path, `${path} compares a ${column.kind} with ${JSON.stringify(value)}: give a ${column.kind}`);
  };
  if (typeof condition !== "object") {
    const wanted = read(condition);
    return (value) => value === wanted;
  }
  const { above = -Infinity, atLeast = -Infinity, below = Infinity, atMost = Infinity } = condition;
  const not = condition.not === undefined ? NaN : read(condition.not);
  const among = condition.in?.map(read);
  return (value) =>
    value > above && value >= atLeast && value < below && value <= atMost && value !== not && (among?.includes(value) ?? true);
}
