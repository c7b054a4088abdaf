// Order lines for the measurement of reading: as CSV, and made up where there are no real ones.

import { type Table, tableFromRows } from "gatewise/data";

/** A table as CSV: times in ISO 8601 to the minute, what is missing as nothing. */
export function csvOf({ columns, rows }: Table): string {
  const names = Object.keys(columns);
  const fields = names.map((name) => fieldsOf(columns[name] as Table["columns"][string], rows));
  const lines = Array.from({ length: rows }, (_, row) => fields.map((field) => field[row]).join(","));
  return `${names.join(",")}\n${lines.join("\n")}\n`;
}

function fieldsOf(column: Table["columns"][string], rows: number): string[] {
  return Array.from({ length: rows }, (_, row) => {
    if (column.kind === "category") return quoted(column.names[column.codes[row] ?? -1] ?? "");
    const value = column.values[row] ?? NaN;
    if (Number.isNaN(value)) return "";
    return column.kind === "time" ? new Date(value).toISOString().slice(0, 16) : String(value);
  });
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Lines that look like a shop's, the same ones each time. */
export function madeUpOrders(lines: number): Table {
  let state = 1;
  const below = (limit: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const rows = Array.from({ length: lines }, (_, line) => ({
    InvoiceNo: `${below(50) === 0 ? "C" : ""}${536_365 + Math.floor(line / 20)}`,
    StockCode: `${10_000 + below(4000)}${"ABC".charAt(below(6))}`,
    Description: `ARTICLE OF THE SHOP, NUMBER ${below(4000)}`,
    Quantity: 1 + below(24),
    InvoiceDate: new Date(Date.UTC(2010, 11, 1) + Math.floor(line / 20) * 1_200_000),
    UnitPrice: below(2000) / 100,
    CustomerID: below(4) === 0 ? null : String(12_346 + below(4300)),
    Country: below(10) === 0 ? "France" : "United Kingdom",
  }));
  return tableFromRows(rows);
}
