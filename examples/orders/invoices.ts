// Reads the orders: one row an invoice, from a gzipped or plain CSV file. Knows nothing of weeks, labels or models.

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

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
  readonly cancelled: boolean;
}

/** The first line of the file. Times are ISO 8601 to the minute: `2010-12-01T08:26`. */
export const CSV_HEADER = "customer,time,lines,items,value,cancelled";

/** Reads a file of invoices; `.gz` is unpacked. Throws with the line number when a row is not an invoice. */
export function readInvoices(path: string | URL): Invoice[] {
  const bytes = readFileSync(path);
  const text = String(path).endsWith(".gz") ? gunzipSync(bytes).toString("utf8") : bytes.toString("utf8");
  return parseInvoices(text);
}

export function parseInvoices(csv: string): Invoice[] {
  const [header, ...rows] = csv.trimEnd().split(/\r?\n/);
  if (header !== CSV_HEADER) throw new Error(`line 1: expected the header "${CSV_HEADER}", found "${header}"`);
  return rows.map((row, index) => parseInvoice(row, index + 2));
}

export function formatInvoices(invoices: readonly Invoice[]): string {
  const rows = invoices.map((invoice) => {
    const time = new Date(invoice.time).toISOString().slice(0, "2010-12-01T08:26".length);
    const value = Number(invoice.value.toFixed(2));
    return [invoice.customer, time, invoice.lines, invoice.items, value, invoice.cancelled ? 1 : 0].join(",");
  });
  return [CSV_HEADER, ...rows, ""].join("\n");
}

function parseInvoice(row: string, line: number): Invoice {
  const [customer = "", time = "", lines = "", items = "", value = "", cancelled = "", ...extra] = row.split(",");
  const invoice: Invoice = {
    customer: Number(customer || NaN),
    time: Date.parse(`${time}Z`),
    lines: Number(lines || NaN),
    items: Number(items || NaN),
    value: Number(value || NaN),
    cancelled: cancelled === "1",
  };
  const { customer: id, time: at, lines: n, items: pieces, value: pounds } = invoice;
  const complete = [id, at, n, pieces, pounds].every(Number.isFinite) && (cancelled === "0" || cancelled === "1");
  if (!complete || extra.length > 0) throw new Error(`line ${line}: "${row}" is not "${CSV_HEADER}"`);
  return invoice;
}
