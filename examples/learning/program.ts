// What every program here shares: its command line, its table, its JSON, and whether what it trained has learned.

import { writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { parseArgs } from "node:util";
import { type BackendInfo, GatewiseError } from "gatewise";

/** One figure a column; `learned` says whether they are what the task asks for. */
export interface Row {
  readonly [column: string]: string | number | boolean | null;
  readonly learned: boolean;
}

/** Whole numbers that the command line may set: name → the default and what it means. */
type Numbers = Readonly<Record<string, readonly [number, string]>>;

/** Lists of names that the command line may narrow: option → all that there are, and what they mean. */
type Choices = Readonly<Record<string, readonly [readonly string[], string]>>;

export interface Program<N extends Numbers, C extends Choices> {
  /** `adding`, for `adding.ts`. */
  readonly name: string;
  /** One sentence. */
  readonly about: string;
  readonly numbers: N;
  readonly choices: C;
  readonly run: (options: Settings<N, C>) => Promise<readonly Row[]>;
}

/** What the command line alone needs to know of a program. */
type Outline = Omit<Program<Numbers, Choices>, "run">;

export type Settings<N, C> = Machine & { readonly [Name in keyof N]: number } & { readonly [Name in keyof C]: readonly string[] };

/** Where models run. */
export interface Machine {
  readonly backend: "auto" | "native" | "wasm";
  /** Undefined: the library's choice. */
  readonly threads: number | undefined;
}

/** The user's mistake, as a sentence. */
class OptionError extends Error {}

/**
 * Runs a program as its command line says. Ends with code 1 where `--check` finds something not learned or the machine
 * lacks something, with 2 after a wrong option; anything else that goes wrong is a defect and is thrown.
 */
export async function runProgram<N extends Numbers, C extends Choices>(program: Program<N, C>): Promise<void> {
  try {
    const values = parse(program);
    if (values["help"] === true) console.log(usage(program));
    else await runAndReport(program, values);
  } catch (error) {
    const badOption = error instanceof OptionError || (error instanceof GatewiseError && error.code === "invalid_option");
    if (!badOption && !(error instanceof GatewiseError)) throw error;
    console.error(`${error.message}\nnpx tsx examples/learning/${program.name}.ts --help lists the options.`);
    process.exitCode = badOption ? 2 : 1;
  }
}

/** What a finished training says of itself, and where it ran. */
export function describeRun({ name, isa, threads }: BackendInfo, steps: number, started: number): string {
  const seconds = (performance.now() - started) / 1000;
  return `${steps} steps in ${seconds.toFixed(1)} s on ${name}, ${isa}, threads ${threads}`;
}

type Values = Readonly<Record<string, string | boolean | string[] | undefined>>;

async function runAndReport<N extends Numbers, C extends Choices>(program: Program<N, C>, values: Values): Promise<void> {
  const rows = await program.run(settings(program, values));
  console.log(`\n${table(rows)}`);
  const machine = {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    platform: `${process.platform} ${process.arch}`,
    node: process.versions.node,
  };
  if (typeof values["json"] === "string") writeFileSync(values["json"], `${JSON.stringify({ machine, rows }, undefined, 2)}\n`);
  const failed = rows.filter(({ learned }) => !learned).length;
  if (values["check"] !== true) return;
  console.log(failed === 0 ? "\nAll of it was learned." : `\n${failed} of ${rows.length} rows were not learned.`);
  if (failed > 0) process.exitCode = 1;
}

function parse({ numbers, choices }: Outline): Values {
  const own = Object.fromEntries([...Object.keys(numbers), ...Object.keys(choices)].map((name) => [name, { type: "string" as const }]));
  const boolean = { type: "boolean" as const };
  const shared = { backend: { type: "string" as const, default: "auto" }, threads: { type: "string" as const }, json: { type: "string" as const }, check: boolean, help: boolean };
  try {
    return parseArgs({ options: { ...own, ...shared } }).values;
  } catch (error) {
    throw new OptionError(error instanceof Error ? error.message : String(error));
  }
}

function settings<N extends Numbers, C extends Choices>(program: Program<N, C>, values: Values): Settings<N, C> {
  const { numbers, choices } = program;
  const backend = oneOf("--backend", String(values["backend"]), ["auto", "native", "wasm"] as const);
  const threads = values["threads"] === undefined ? undefined : positiveInteger("--threads", values["threads"]);
  const own = Object.entries(numbers).map(([name, [initial]]) => [name, values[name] === undefined ? initial : positiveInteger(`--${name}`, values[name])]);
  const chosen = Object.entries(choices).map(([name, [all]]) => {
    const given = values[name] === undefined ? all : String(values[name]).split(",");
    return [name, given.map((value) => oneOf(`--${name}`, value, all))];
  });
  return { backend, threads, ...Object.fromEntries([...own, ...chosen]) } as Settings<N, C>;
}

function oneOf<Name extends string>(option: string, value: string, names: readonly Name[]): Name {
  const found = names.find((name) => name === value);
  if (found === undefined) throw new OptionError(`${option} must be one of ${names.join(", ")}, not "${value}"`);
  return found;
}

function positiveInteger(option: string, value: unknown): number {
  if (!/^[1-9]\d{0,6}$/.test(String(value))) throw new OptionError(`${option} must be a whole number from 1 on, not "${String(value)}"`);
  return Number(value);
}

function usage({ name, about, numbers, choices }: Outline): string {
  const lines = [
    ...Object.entries(choices).map(([option, [all, meaning]]) => [`--${option} A,B`, `${meaning}: of ${all.join(", ")}; all if left out`]),
    ...Object.entries(numbers).map(([option, [initial, meaning]]) => [`--${option} N`, `${meaning}; ${initial} if left out`]),
    ["--backend NAME", "auto (default), native or wasm"],
    ["--threads N", "threads of the backend; the library's choice if left out"],
    ["--json FILE", "write { machine, rows } there as well"],
    ["--check", "end with code 1 unless all of it was learned"],
    ["--help", "this text"],
  ] as const;
  const width = Math.max(...lines.map(([option = ""]) => option.length));
  const options = lines.map(([option = "", meaning]) => `  ${option.padEnd(width)}   ${meaning}`).join("\n");
  return `${about}\n\n  npx tsx examples/learning/${name}.ts [options]\n\n${options}`;
}

/** A column for every figure that a row has, in the order in which they first appear. */
function table(rows: readonly Row[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const lines = [columns, ...rows.map((row) => columns.map((column) => cell(row[column])))];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => (line[index] ?? "").length)));
  return lines.map((line) => line.map((text, index) => text.padEnd(widths[index] ?? 0)).join("   ").trimEnd()).join("\n");
}

function cell(value: Row[string] | undefined): string {
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : value.toPrecision(4);
  if (typeof value === "boolean") return value ? "yes" : "no";
  return value ?? "–";
}
