// Loading a large model: writes a file of so many megabytes, loads it in processes of their own, and prints the time beside that of
// reading the file, and each process's peak of resident memory beside the file's size.
//   npx tsx bench/loading.ts [--megabytes 400] [--rounds 5] [--file PATH] [--json FILE]
//
// The file is in the system's cache. Reading is taken two ways: every piece over the last, which touches no new memory, and every
// piece kept, which is what a program has to do that wants to have what it reads. The limits are twice the time of the latter and 1.3
// times the file's size; code 1 where one is missed. The file is kept where --file says; else it is in a temporary folder and
// removed at the end.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { writeModel } from "./loading/generate.js";

/** What a process has found: of its resident memory the most, and that before it began. */
interface Taken {
  readonly milliseconds: number;
  readonly peakBytes: number;
  readonly idleBytes: number;
}

const WAYS = ["read", "keep", "native", "wasm"] as const;
type Way = (typeof WAYS)[number];
const MOST_TIMES = 2;
const MOST_SIZES = 1.3;

const { values } = parseArgs({
  options: { megabytes: { type: "string", default: "400" }, rounds: { type: "string", default: "5" }, file: { type: "string" }, json: { type: "string" } },
});
const folder = values.file === undefined ? mkdtempSync(join(tmpdir(), "gatewise-loading-")) : undefined;
const file = values.file ?? join(folder ?? "", "model.safetensors");

try {
  if (!existsSync(file)) await writeModel(file, Number(values.megabytes) * 1e6);
  const bytes = statSync(file).size;
  console.log(`${file}: ${(bytes / 1e6).toFixed(0)} MB`);
  const taken = new Map<Way, Taken[]>(WAYS.map((way) => [way, []]));
  take("read");
  // In turn, so that what disturbs one disturbs all.
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const way of WAYS) taken.get(way)?.push(take(way));
  }
  const rows = WAYS.map((way) => summary(way, taken.get(way) ?? [], bytes));
  const kept = rows.find(({ way }) => way === "keep")?.milliseconds ?? 0;
  const met = rows.map((row) => {
    const { way, milliseconds, peakBytes, idleBytes } = row;
    const [times, sizes] = [milliseconds / kept, peakBytes / bytes];
    const memory = `peak ${(peakBytes / 1e6).toFixed(0)} MB, ${sizes.toFixed(2)} times the file (${(idleBytes / 1e6).toFixed(0)} MB before)`;
    console.log(`${way.padEnd(6)}  ${milliseconds.toFixed(0).padStart(5)} ms, ${times.toFixed(2)} times reading; ${memory}`);
    return times < MOST_TIMES && sizes < MOST_SIZES;
  });
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ rows }, undefined, 2)}\n`);
  if (!met.every(Boolean)) process.exitCode = 1;
} finally {
  if (folder !== undefined) rmSync(folder, { recursive: true });
}

function take(way: Way): Taken {
  const program = fileURLToPath(new URL("loading/load.mjs", import.meta.url));
  const { status, stdout } = spawnSync(process.execPath, [program, file, way], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  if (status !== 0) throw new Error(`${way} ended with code ${status}`);
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Taken;
}

/** The best time of all: what disturbs a run only makes it longer. The most memory. */
function summary(way: Way, all: readonly Taken[], bytes: number) {
  const milliseconds = Math.min(...all.map((one) => one.milliseconds));
  const peakBytes = Math.max(...all.map((one) => one.peakBytes));
  const idleBytes = Math.max(...all.map((one) => one.idleBytes));
  return { suite: "loading", way, bytes, milliseconds, peakBytes, idleBytes };
}
