// Rows as a pipeline wants them: a table whose columns hold what those of the training part did. Knows nothing of steps.

import { type Rows, asTable } from "../rows.js";
import type { Column, Table } from "../table.js";
import { cellError } from "./columns.js";

/** The table of these rows. @throws {GatewiseError} `invalid_data` for a column that held something else in the training part */
export function tableFor(rows: Rows, kinds: Readonly<Record<string, Column["kind"]>>): Table {
  const table = asTable(rows, kinds);
  const changed: Record<string, Column> = {};
  for (const [name, kind] of Object.entries(kinds)) {
    const column = Object.hasOwn(table.columns, name) ? table.columns[name] : undefined;
    if (column === undefined || column.kind === kind) continue;
    const row = firstValue(column);
    if (row >= 0) throw cellError(table, row, name, `the column holds what is a ${column.kind}, and in the training part a ${kind}: read it as that`);
    changed[name] = empty(kind, table.rows);
  }
  return Object.keys(changed).length === 0 ? table : { ...table, columns: { ...table.columns, ...changed } };
}

/** The first row that has a value; below 0 if none has: such a column might hold anything. */
function firstValue(column: Column): number {
  return column.kind === "category" ? column.codes.findIndex((code) => code >= 0) : column.values.findIndex((value) => !Number.isNaN(value));
}

function empty(kind: Column["kind"], rows: number): Column {
  if (kind === "category") return { kind, codes: new Int32Array(rows).fill(-1), names: [] };
  return { kind, values: new Float64Array(rows).fill(NaN) };
}
