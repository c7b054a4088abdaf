// Makes invoices.csv.gz from the order lines of UCI Online Retail. Run once; the result is committed.
//   npx tsx examples/orders/data/make-data.ts --data online-retail.parquet

import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import type { Invoice } from "../invoices.js";

/** The columns that are used, as the source names them. `InvoiceDate` is in the shop's local time. */
export interface OrderLine {
  readonly InvoiceNo: string;
  readonly InvoiceDate: Date;
  readonly Quantity: number;
  readonly UnitPrice: number;
  readonly CustomerID: number | null;
}

const COLUMNS = ["InvoiceNo", "InvoiceDate", "Quantity", "UnitPrice", "CustomerID"];

/**
 * Adds up the lines of each invoice. Lines without a customer are dropped. An invoice's time is that of its
 * first line (31 invoices have lines a minute apart); a number that starts with C is a cancellation.
 * Sorted by time, then by invoice number.
 */
export function collectInvoices(lines: Iterable<OrderLine>): Invoice[] {
  const byNumber = new Map<string, Invoice>();
  for (const line of lines) {
    if (line.CustomerID === null) continue;
    const before = byNumber.get(line.InvoiceNo);
    const time = line.InvoiceDate.getTime();
    byNumber.set(line.InvoiceNo, {
      customer: line.CustomerID,
      time: Math.min(before?.time ?? time, time),
      lines: (before?.lines ?? 0) + 1,
      items: (before?.items ?? 0) + line.Quantity,
      value: (before?.value ?? 0) + line.Quantity * line.UnitPrice,
      cancelled: line.InvoiceNo.startsWith("C") ? 1 : 0,
    });
  }
  const numbered = [...byNumber].sort(([a, first], [b, second]) => first.time - second.time || (a < b ? -1 : 1));
  return numbered.map(([, invoice]) => invoice);
}

/** As CSV. Times are ISO 8601 to the minute: `2010-12-01T08:26`. */
export function formatInvoices(invoices: readonly Invoice[]): string {
  const rows = invoices.map(({ customer, time, lines, items, value, cancelled }) => {
    const minute = new Date(time).toISOString().slice(0, "2010-12-01T08:26".length);
    return [customer, minute, lines, items, Number(value.toFixed(2)), cancelled].join(",");
  });
  return ["customer,time,lines,items,value,cancelled", ...rows, ""].join("\n");
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ options: { data: { type: "string" } }, allowPositionals: true });
  const source = values.data ?? positionals[0];
  if (source === undefined) {
    console.error("usage: tsx examples/orders/data/make-data.ts --data online-retail.parquet");
    process.exitCode = 2;
    return;
  }
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(source), columns: COLUMNS, compressors });
  const invoices = collectInvoices(rows as unknown as OrderLine[]);
  const target = new URL("invoices.csv.gz", import.meta.url);
  writeFileSync(target, gzipSync(formatInvoices(invoices), { level: 9 }));
  console.log(`${rows.length} lines of ${source} became ${invoices.length} invoices in ${target.pathname}`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
