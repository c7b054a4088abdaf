// What the tests of the command share: the compiled program as a child process, and a folder with small data.

import { type SpawnOptions, spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { randomNumbers } from "../facade/support.js";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** The archive's own split of a committed set. */
export const VOWELS = (part: "TRAIN" | "TEST") => fileURLToPath(new URL(`../../examples/learning/data/JapaneseVowels_${part}.ts.gz`, import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command until it ends. `watch` sees stderr as it comes, and may kill. */
export function gatewise(args: readonly string[], cwd: string, watch?: (stderr: string, kill: (signal: NodeJS.Signals) => void) => void): Promise<Ended> {
  const options: SpawnOptions = { cwd, stdio: ["ignore", "pipe", "pipe"] };
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [MAIN, ...args], options);
    let [stdout, stderr] = ["", ""];
    child.stdout?.on("data", (part) => (stdout += String(part)));
    child.stderr?.on("data", (part) => {
      stderr += String(part);
      watch?.(stderr, (signal) => child.kill(signal));
    });
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), "gatewise-cli-"));
}

export function writeConfig(folder: string, config: object, name = "gatewise.json"): void {
  writeFileSync(join(folder, name), JSON.stringify(config));
}

/** Rows of customers over days: what those of kind "rising" spend rises. */
export function writeSpending(folder: string, customers = 60, name = "spending.csv"): void {
  const random = randomNumbers(5);
  const lines = ["customer,day,spent,kind"];
  for (let customer = 0; customer < customers; customer++) {
    const kind = customer % 2 ? "rising" : "falling";
    for (let day = 0; day < 10; day++) {
      const spent = 20 + (customer % 2 ? 1 : -1) * (day - 4.5) + random();
      lines.push(`c${customer},2024-05-${String(day + 1).padStart(2, "0")},${spent.toFixed(3)},${kind}`);
    }
  }
  writeFileSync(join(folder, name), `${lines.join("\n")}\n`);
}

/** A configuration over {@link writeSpending}'s rows. */
export const SPENDING = {
  data: { file: "spending.csv", pipeline: { group: "customer", time: "day", features: [{ column: "spent", scale: "standard" }], target: { label: "kind" } } },
  split: { by: "class", validation: 0.2, test: 0.2, seed: 1 },
  definition: { layers: [{ cell: "gru", units: 8 }], seed: 3 },
  training: { epochs: 30, batchSize: 8, optimizer: { kind: "adam", learningRate: 0.02 } },
  output: "results",
} as const;

/** A configuration over the committed set. */
export const SPEAKERS = {
  data: { set: "ucr-ts", training: VOWELS("TRAIN"), test: VOWELS("TEST") },
  split: { by: "class", validation: 0.2, seed: 1 },
  definition: { input: { scaling: "standard" }, layers: [{ cell: "gru", units: 16 }], seed: 3 },
  training: { epochs: 10, batchSize: 16, optimizer: { kind: "adam", learningRate: 0.01 } },
} as const;
