// Runs the programs of `programs/` in processes of their own, in turn, and takes what they print.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** A command with its arguments. */
export type Command = readonly [program: string, ...args: readonly string[]];

/** The path of a program below `programs/`. */
export function programPath(name: string): string {
  return fileURLToPath(new URL(`programs/${name}`, import.meta.url));
}

/** The JSON on the last line that the program prints. Fails with all it said if it fails. */
export async function runProgram<Result>(command: Command): Promise<Result> {
  const { stdout } = await run(command);
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as Result;
}

/** Milliseconds from starting the program to its end. */
export async function timeProgram(command: Command): Promise<number> {
  const began = performance.now();
  const { ended } = await run(command);
  return ended - began;
}

function run([program, ...args]: Command): Promise<{ stdout: string; ended: number }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (part: string) => (stdout += part));
    child.stderr.setEncoding("utf8").on("data", (part: string) => (stderr += part));
    child.on("error", reject);
    child.on("close", (status) => {
      const ended = performance.now();
      if (status === 0) resolve({ stdout, ended });
      else reject(new Error(`${[program, ...args].join(" ")} ended with ${status}: ${stderr}`));
    });
  });
}

/** What is run in turn, by name. */
type Runs = Readonly<Partial<Record<string, () => Promise<number>>>>;

/** What each gave, turn by turn. */
type Results<Named extends Runs> = { [Name in keyof Named]: number[] };

/** Runs each of them once, then each again, … : what slows the machine down meanwhile slows all of them. */
export async function inTurns<Named extends Runs>(turns: number, runs: Named): Promise<Results<Named>> {
  const entries = Object.entries<Runs[string]>(runs);
  const results = Object.fromEntries(entries.map(([name]) => [name, [] as number[]]));
  for (let turn = 0; turn < turns; turn++) {
    for (const [name, run] of entries) if (run) results[name]?.push(await run());
  }
  return results as Results<Named>;
}
