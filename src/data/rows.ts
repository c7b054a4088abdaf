// What stands for rows where a table is wanted: a table, or a list of objects.

import { GatewiseError } from "../errors.js";
import { kindOf } from "./buffers.js";
import { tableFromRows } from "./readers/rows.js";
import type { Column, Table } from "./table.js";

/** Raw rows: a table, or a list of objects with the same fields. */
export type Rows = Table | readonly Readonly<Record<string, unknown>>[];

/** The table. `columns` says what the fields of objects hold; without, their values do. */
export function asTable(rows: Rows, columns: Readonly<Record<string, Column["kind"]>> = {}): Table {
  if (Array.isArray(rows)) {
    const objects = rows as readonly Readonly<Record<string, unknown>>[];
    const present = Object.entries(columns).filter(([name]) => objects.some((row) => row !== null && typeof row === "object" && name in row));
    return tableFromRows(objects, { columns: Object.fromEntries(present) });
  }
  const table = rows as Table;
  if (typeof table === "object" && table !== null && typeof table.columns === "object" && Number.isSafeInteger(table.rows)) return table;
  throw new GatewiseError("invalid_option", "rows", `rows must be a table or a list of objects, not ${kindOf(rows)}`);
}
