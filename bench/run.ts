// `npm run bench`: our engine and every peer on the same shapes, in one run. See README.md.

import { writeFileSync } from "node:fs";

import { describeMachine, type Machine } from "./machine.js";
import { HELP, type Options, WrongOption, isWanted, parseOptions } from "./options.js";
import { findPeers } from "./peers/install.js";
import { writeDocs } from "./report/write.js";
import type { Row } from "./rows.js";
import type { Context, Suite } from "./suite.js";
import { SUITES } from "./suites.js";
import { Table, summary } from "./table.js";

async function main(options: Options): Promise<void> {
  const peers = await findPeers(options);
  const machine = await describeMachine(peers);
  console.log(introduction(machine));
  const context: Context = {
    machine,
    options,
    peers,
    log: showProgress,
    wanted: (...names) => isWanted(options.only, names),
  };
  const rows = await runSuites(SUITES, context);
  console.log(summary(rows).join("\n"));
  if (options.json) writeFileSync(options.json, `${JSON.stringify({ machine, rows }, undefined, 2)}\n`);
  if (options.writeDocs) console.log(`written: ${writeDocs({ machine, rows }).join(", ")}`);
  if (rows.some(({ failure }) => failure)) process.exitCode = 1;
}

/** Every suite in turn, its rows printed as they come. One that breaks down is a failed row; the others go on. */
async function runSuites(suites: readonly Suite[], context: Context): Promise<Row[]> {
  const [rows, table]: [Row[], Table] = [[], new Table()];
  const add = (row: Row) => {
    rows.push(row);
    showProgress("");
    console.log(table.lines(row).join("\n"));
  };
  for (const suite of suites) {
    try {
      const result = suite.run(context);
      for await (const row of Symbol.asyncIterator in result ? result : await result) add(row);
    } catch (error) {
      add(brokenRow(suite, error));
    }
  }
  return rows;
}

function brokenRow({ name }: Suite, error: unknown): Row {
  const nothing = { threads: null, backend: null, isa: null, ours_ms: null, peer: null, peer_ms: null, ratio: null, target: null, met: null };
  const failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { suite: name, operation: "", shape: "", ...nothing, failure };
}

/** A line that the next one replaces; only where somebody watches. */
function showProgress(message: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K${message.slice(0, process.stdout.columns - 1)}`);
}

function introduction(machine: Machine): string {
  const { peak_gflops: one, peak_gflops_2_threads: two } = machine;
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  return [
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, Gatewise ${machine.gatewise}`,
    `f32 multiply-add peak with ${machine.isa}: ${one.toFixed(1)} GFLOP/s, of 2 threads ${two.toFixed(1)}`,
    `against ${versions.join(", ") || "nobody"}`,
    "best times; ratio: peer ÷ ours, by best, with quartiles over the pairs of turns",
  ].join("\n");
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options) await main(options);
  else console.log(HELP);
} catch (error) {
  if (!(error instanceof WrongOption)) throw error;
  console.error(`${error.message}\n\n${HELP}`);
  process.exitCode = 2;
}
