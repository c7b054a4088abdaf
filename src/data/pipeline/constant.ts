// Columns that do not change within a group: one cell for each series, checked. Knows nothing of what they are for.

import type { Column, Table } from "../table.js";
import { cellError, columnOf } from "./columns.js";
import type { Series } from "./series.js";

/** [series] The cell that all of a series' rows have. @throws {GatewiseError} `invalid_data` for a row that has another */
export function constantColumn(table: Table, { each, starts, rows }: Series, name: string, wanted: string): Column {
  const column = columnOf(table, name, wanted);
  const cells: Int32Array | Float64Array = column.kind === "category" ? column.codes : column.values;
  const isMissing = (cell: number) => Number.isNaN(cell) || (column.kind === "category" && cell < 0);
  const found = new Float64Array(each.length).fill(column.kind === "category" ? -1 : NaN);
  for (const [index, { offset, inputs }] of each.entries()) {
    let first = -1;
    for (let i = starts[offset] as number; i < (starts[offset + inputs] as number); i++) {
      const row = rows[i] as number;
      const cell = cells[row] as number;
      if (isMissing(cell)) continue;
      if (first >= 0 && cell !== cells[first]) {
        const [here, there] = [row, first].map((row) => show(column, cells[row] as number));
        throw cellError(table, row, name, `it is ${here}, in row ${first} of the same group ${there}: ${wanted} wants one value for all of a group`);
      }
      first = row;
    }
    if (first >= 0) found[index] = cells[first] as number;
  }
  if (column.kind === "category") return { kind: "category", codes: Int32Array.from(found), names: column.names };
  return { kind: column.kind, values: found };
}

function show(column: Column, cell: number): string {
  if (column.kind === "category") return JSON.stringify(column.names[cell]);
  return column.kind === "time" ? new Date(cell).toISOString() : String(cell);
}
