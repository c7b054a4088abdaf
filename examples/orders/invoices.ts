// Reads the orders: one row an invoice, from a gzipped or plain CSV file. Knows nothing of weeks, labels or models.

import { readCsv, type Table } from "gatewise/data";

/** One invoice of one customer: an order, or the cancellation of (a part of) an earlier order. */
export interface Invoice {
  readonly customer: number;
  /** Milliseconds since 1970. The shop's local clock, read as UTC. */
  readonly time: number;
  /** Lines on the invoice: about one for each article. */
  readonly lines: number;
  /** Pieces. Zero or negative on a cancellation. */
  readonly items: number;
  /** Pounds sterling. Zero or negative on a cancellation. */
  readonly value: number;
  /** 1 for a cancellation, else 0. */
  readonly cancelled: number;
}

/** What the file's columns hold. */
const COLUMNS = { customer: "number", time: "time", lines: "number", items: "number", value: "number", cancelled: "number" } as const;

/** Reads a file of invoices, or its bytes; gzip is unpacked. Throws with line and column where something is no invoice. */
export function readInvoices(source: string | URL | Uint8Array): Promise<Table> {
  return readCsv(source, { select: Object.keys(COLUMNS), columns: COLUMNS });
}

/** One column's numbers. */
export function numbers(table: Table, column: keyof Invoice): Float64Array {
  const found = table.columns[column];
  if (found === undefined || found.kind === "category") throw new Error(`the invoices have no numbers in ${column}`);
  return found.values;
}

/** Each customer's orders, the file's order kept: the oldest first. */
export function ordersByCustomer(invoices: Table): Map<number, Pick<Invoice, "time" | "value">[]> {
  const [customers, times, values, cancelled] = (["customer", "time", "value", "cancelled"] as const).map((name) => numbers(invoices, name));
  const orders = new Map<number, Pick<Invoice, "time" | "value">[]>();
  for (const [row, customer] of (customers ?? []).entries()) {
    if (cancelled?.[row] === 1) continue;
    const known = orders.get(customer) ?? [];
    known.push({ time: times?.[row] ?? NaN, value: values?.[row] ?? NaN });
    orders.set(customer, known);
  }
  return orders;
}
