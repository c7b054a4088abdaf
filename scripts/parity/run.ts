// `npm run parity`: every file of PyTorch's and ONNX's vectors through `gatewise/layers`, on every backend and every
// instruction set of the machine, each in a process of its own.

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import type { MachineDescription } from "../../src/generated/core.js";
import type { Row } from "./rows.js";

const HELP = `npm run parity -- [options]: the errors of every layer of the test vectors, by backend and instruction set

  --json FILE   write { machine, rows } there as well
  --help        this`;

const FORCE = "GATEWISE_ISA";

/** All that can run here: the native addon with each instruction set, and WebAssembly with its own. */
async function engines(): Promise<{ readonly backend: string; readonly isa?: string }[]> {
  const { instructionSets } = JSON.parse((await import("#native")).machine()) as MachineDescription;
  return [...instructionSets.map((isa) => ({ backend: "native", isa })), { backend: "wasm" }];
}

function measured(backend: string, isa: string | undefined): Row[] {
  const { [FORCE]: _forced, ...env } = process.env;
  const script = fileURLToPath(new URL("measure.ts", import.meta.url));
  const args = [...process.execArgv, script, backend];
  return JSON.parse(execFileSync(process.execPath, args, { env: isa ? { ...env, [FORCE]: isa } : env, encoding: "utf8" })) as Row[];
}

function table(rows: readonly Row[]): string {
  const titles = ["layer", "vectors", "backend", "isa", "forward", "gradient", "option"];
  const cells = rows.map((row) => [row.layer, row.vectors, row.backend, row.isa, figure(row.forward), figure(row.gradient), row.option]);
  const widths = titles.map((title, column) => Math.max(title.length, ...cells.map((line) => line[column]?.length ?? 0)));
  return [titles, ...cells].map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()).join("\n");
}

function figure(error: number | null): string {
  return error === null ? "–" : error.toExponential(1);
}

function isWithin({ forward, gradient, bound }: Row): boolean {
  return forward <= bound.forward && (gradient ?? 0) <= bound.gradient;
}

const { values } = parseArgs({ options: { json: { type: "string" }, help: { type: "boolean" } } });
if (values.help) console.log(HELP);
else {
  const rows = (await engines()).flatMap(({ backend, isa }) => measured(backend, isa));
  console.log(table(rows));
  const beyond = rows.filter((row) => !isWithin(row));
  console.log(`\n${rows.length} rows, ${beyond.length} beyond their bound`);
  for (const { layer, vectors, backend, isa, bound } of beyond) {
    console.log(`  ${layer}, ${vectors}, ${backend} ${isa}: above ${bound.forward} or ${bound.gradient}`);
  }
  const machine = { cpu: cpus()[0]?.model.trim() ?? "unknown", cores: availableParallelism(), platform: `${process.platform} ${process.arch}`, node: process.versions.node };
  if (values.json) writeFileSync(values.json, `${JSON.stringify({ machine, rows }, undefined, 2)}\n`);
  if (beyond.length > 0) process.exitCode = 1;
}
