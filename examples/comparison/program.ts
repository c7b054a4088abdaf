// What the comparisons here share: their command line, progress, and where their reports go.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { type Comparison, type ComparisonProgress, type RunOptions, GatewiseError, toHtml, toTable } from "gatewise/baselines";

export interface Arguments {
  /** The seeds 1, 2, … */
  readonly seeds: readonly number[];
  /** Where reports go. */
  readonly output: string;
  /** Where data lies that is not committed; undefined where it was not said. */
  readonly data: string | undefined;
  /** The names of the flags that were given. */
  readonly flags: ReadonlySet<string>;
}

const USAGE = `
  --seeds N      runs of each network, with the seeds 1 to N; 5 if left out
  --output DIR   where the report goes, as HTML and as JSON; examples/comparison/output if left out
  --help         this text`;

/** Runs `main`; mistakes of the command line and what the library refuses end with a sentence. */
export async function runProgram(about: string, flags: Readonly<Record<string, string>>, main: (given: Arguments) => Promise<void>): Promise<void> {
  const options = { seeds: { type: "string" }, output: { type: "string" }, data: { type: "string" }, help: { type: "boolean" } } as const;
  const own = Object.keys(flags).filter((name) => name !== "data");
  try {
    const { values } = parseArgs({ options: { ...options, ...Object.fromEntries(own.map((name) => [name, { type: "boolean" as const }])) } });
    if (values.help) {
      const said = Object.entries(flags).map(([name, meaning]) => `  ${(name === "data" ? "--data DIR" : `--${name}`).padEnd(12)}   ${meaning}`);
      console.log(`${about}\n${[...said].join("\n")}${USAGE}`);
      return;
    }
    const count = Number(values.seeds ?? "5");
    if (!Number.isInteger(count) || count < 1) throw new Error(`--seeds must be a whole number from 1 on, not "${values.seeds}"`);
    await main({
      seeds: Array.from({ length: count }, (_, n) => n + 1),
      output: values.output ?? fileURLToPath(new URL("output", import.meta.url)),
      data: values.data,
      flags: new Set(own.filter((name) => (values as Readonly<Record<string, unknown>>)[name] === true)),
    });
  } catch (error) {
    if (!(error instanceof GatewiseError) && (error as { code?: string }).code?.startsWith("ERR_PARSE_ARGS") !== true) throw error;
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}

/** Options that every comparison here has: a line for each run on a terminal, and an end by Ctrl-C. */
export function running(seeds: readonly number[]): Pick<RunOptions, "seeds" | "onProgress"> {
  let last = 0;
  const onProgress = ({ entrant, seed, run, runs, phase, fraction }: ComparisonProgress) => {
    if (run === last || phase !== "fit" || fraction > 0) return;
    last = run;
    console.error(`${run}/${runs}  ${entrant}${seed === null ? "" : `, seed ${seed}`}`);
  };
  return { seeds, onProgress };
}

/** Prints a comparison and writes it as a page and as JSON. */
export async function report(comparison: Comparison, name: string, output: string): Promise<void> {
  mkdirSync(output, { recursive: true });
  const [page, json] = [join(output, `${name}.html`), join(output, `${name}.json`)];
  writeFileSync(page, await toHtml(comparison));
  writeFileSync(json, `${JSON.stringify(comparison)}\n`);
  console.log(`${toTable(comparison)}\n\nWrote ${relative(".", page)} and ${relative(".", json)}.\n`);
}

/** The months and the passengers of the committed series. */
export function readPassengers(): { readonly times: number[]; readonly series: number[] } {
  const text = readFileSync(new URL("data/air-passengers.csv", import.meta.url), "utf8");
  const rows = text.trim().split(/\r?\n/).slice(1).map((line) => line.split(","));
  return { times: rows.map(([month = ""]) => Date.parse(month)), series: rows.map(([, passengers]) => Number(passengers)) };
}
