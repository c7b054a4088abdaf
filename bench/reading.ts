// How fast order lines become sequences: from CSV and from Parquet, beside what two CSV parsers take for the text alone.
//   npx tsx bench/reading.ts [--data DIR] [--runs N] [--json FILE]
//
// Reads DIR/orders/online-retail.parquet (GATEWISE_DATA, or ../shared/data beside the checkout, unless given), and writes it as CSV into
// a temporary folder for the CSV side. Without that file it makes up order lines, and measures CSV alone.

import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { parse } from "csv-parse/sync";
import { type Table, readCsv, readParquet } from "gatewise/data";
import { inferSchema, initParser } from "udsv";

import { csvOf, madeUpOrders } from "./reading/orders.js";
import { sequencesOf, weeks } from "./reading/sequences.js";

const { values } = parseArgs({ options: { data: { type: "string" }, runs: { type: "string", default: "7" }, json: { type: "string" } } });
const shared = fileURLToPath(new URL("../../shared/data", import.meta.url));
const data = values.data ?? process.env["GATEWISE_DATA"] ?? shared;
const parquet = join(data, "orders/online-retail.parquet");
const folder = mkdtempSync(join(tmpdir(), "gatewise-reading-"));
const csv = join(folder, "orders.csv");

/** What sequences of orders are made of; and everything else that a line has. */
const NEEDED = ["CustomerID", "InvoiceDate", "Quantity", "UnitPrice"];
const columns = { CustomerID: "category" } as const;

interface Measured {
  readonly operation: string;
  readonly rows: number;
  /** Milliseconds of the processor in the median run, the collector's threads among them; and on the clock in the best. */
  readonly cpu_ms: number;
  readonly wall_ms: number;
  readonly rows_per_second: number;
  /** Of CSV: by the size of the file. */
  readonly megabytes_per_second?: number;
}

/** What a core does a second is told by the processor's time: other programs on the machine do not count. */
async function measure(operation: string, megabytes: number | undefined, run: () => Promise<number> | number): Promise<Measured> {
  const [cpu, wall]: [number[], number[]] = [[], []];
  let rows = 0;
  for (let turn = 0; turn < Number(values.runs); turn++) {
    const [began, used] = [performance.now(), process.cpuUsage()];
    rows = await run();
    const { user, system } = process.cpuUsage(used);
    wall.push(performance.now() - began);
    cpu.push((user + system) / 1000);
  }
  const cpuMs = cpu.toSorted((a, b) => a - b)[Math.floor(cpu.length / 2)] ?? NaN;
  const rate = { rows_per_second: Math.round((rows / cpuMs) * 1000), ...(megabytes && { megabytes_per_second: Number(((megabytes / cpuMs) * 1000).toFixed(1)) }) };
  const measured = { operation, rows, cpu_ms: Number(cpuMs.toFixed(1)), wall_ms: Number(Math.min(...wall).toFixed(1)), ...rate };
  const speed = megabytes === undefined ? "" : `${rate.megabytes_per_second} MB/s, `;
  console.log(`${operation.padEnd(52)} ${speed.padStart(14)}${(rate.rows_per_second / 1e6).toFixed(2)} million rows/s a core (${measured.cpu_ms} ms; ${measured.wall_ms} ms on the clock)`);
  return measured;
}

/** The rows that went into the weeks of customers, scalers fitted and applied. */
function weeksFrom(table: Table): number {
  weeks.fit(table).apply(table);
  return table.rows;
}

/** The rows that went into sequences. */
function sequencesFrom(table: Table): number {
  sequencesOf(table, { group: "CustomerID", time: "InvoiceDate", features: ["Quantity", "UnitPrice"], longest: 200 });
  return table.rows;
}

try {
  const real = existsSync(parquet);
  if (!real) console.log(`There is no ${parquet}: these are made-up order lines. The real ones: UCI's Online Retail (archive.ics.uci.edu/dataset/352) as Parquet.`);
  writeFileSync(csv, csvOf(real ? await readParquet(parquet) : madeUpOrders(500_000)));
  const megabytes = statSync(csv).size / 1e6;
  const text = readFileSync(csv, "utf8");
  const bytes = readFileSync(csv);
  console.log(`${megabytes.toFixed(1)} MB of CSV`);
  const rows = [
    await measure("csv-parse: bytes to arrays of strings", megabytes, () => parse(bytes).length),
    await measure("udsv: text to arrays of strings", megabytes, () => initParser(inferSchema(text)).stringArrs(text).length),
    await measure("readCsv: file to table, all columns", megabytes, async () => (await readCsv(csv, { columns })).rows),
    await measure("readCsv: file to sequences, all columns", megabytes, async () => sequencesFrom(await readCsv(csv, { columns }))),
    await measure("readCsv, pipeline: file to scaled weeks, four columns", megabytes, async () => weeksFrom(await readCsv(csv, { columns, select: NEEDED }))),
    await measure("readCsv: file to sequences, four columns", megabytes, async () => sequencesFrom(await readCsv(csv, { columns, select: NEEDED }))),
  ];
  if (real) {
    rows.push(
      await measure("readParquet: file to table, all columns", undefined, async () => (await readParquet(parquet, { columns })).rows),
      await measure("readParquet: file to sequences, all columns", undefined, async () => sequencesFrom(await readParquet(parquet, { columns }))),
      await measure("readParquet, pipeline: file to scaled weeks, four columns", undefined, async () => weeksFrom(await readParquet(parquet, { columns, select: NEEDED }))),
      await measure("readParquet: file to sequences, four columns", undefined, async () => sequencesFrom(await readParquet(parquet, { columns, select: NEEDED }))),
    );
  }
  const machine = { cpu: cpus()[0]?.model ?? "", cores: cpus().length, node: process.version };
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ machine, rows }, undefined, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true });
}
