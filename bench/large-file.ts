// Training on a file that does not fit in the memory that it may take: writes an Arrow file of so many gigabytes, trains on it chunk by
// chunk in a process of its own, and prints that process's peak of resident memory.
//   npx tsx bench/large-file.ts [--gigabytes 2] [--file PATH] [--limit 600] [--json FILE]
//
// The file is kept where --file says; else it is in a temporary folder and removed at the end. Ends with code 1 where the peak is above
// the limit (MB), or the last chunk's loss is not below the first's.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { writeReadings } from "./large-file/generate.js";
import type { Trained } from "./large-file/train.js";

const { values } = parseArgs({
  options: { gigabytes: { type: "string", default: "2" }, file: { type: "string" }, limit: { type: "string", default: "600" }, json: { type: "string" } },
});
const folder = values.file === undefined ? mkdtempSync(join(tmpdir(), "gatewise-large-")) : undefined;
const file = values.file ?? join(folder ?? "", "readings.arrow");

try {
  if (!existsSync(file)) await writeReadings(file, Number(values.gigabytes) * 1e9);
  const bytes = statSync(file).size;
  console.log(`${file}: ${(bytes / 1e9).toFixed(2)} GB`);
  const program = fileURLToPath(new URL("large-file/train.ts", import.meta.url));
  const { status, stdout } = spawnSync(process.execPath, ["--import", "tsx", program, file], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  if (status !== 0) throw new Error(`training ended with code ${status}`);
  const trained = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Trained;
  const { samples, chunks, seconds, firstLoss, lastLoss, peakBytes, idleBytes } = trained;
  const megabytes = (peakBytes / 1e6).toFixed(0);
  console.log(`${samples} sequences in ${chunks} chunks, one epoch: ${seconds.toFixed(0)} s; loss ${firstLoss.toFixed(3)} at first, ${lastLoss.toFixed(3)} at last`);
  console.log(`peak of resident memory: ${megabytes} MB (${(idleBytes / 1e6).toFixed(0)} MB before the file was opened); limit ${values.limit} MB`);
  const met = peakBytes <= Number(values.limit) * 1e6 && lastLoss < firstLoss;
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ rows: [{ suite: "large-file", bytes, ...trained, limit: Number(values.limit) * 1e6, met }] }, undefined, 2)}\n`);
  if (!met) process.exitCode = 1;
} finally {
  if (folder !== undefined) rmSync(folder, { recursive: true });
}
