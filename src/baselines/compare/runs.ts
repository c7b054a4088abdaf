// Runs every entrant with every seed, one after the other, and sums up. Knows nothing of what is predicted.

import { GatewiseError } from "../../errors.js";
import type { Classifier } from "../classifier.js";
import type { Forecaster } from "../forecaster.js";
import type { Entrant } from "./entrants.js";
import type { ComparisonProgress, EntrantResult, Run, Seconds, Spread } from "./types.js";

/** What both tasks' comparisons are told beside the data. */
export interface RunOptions {
  /** What the report is headed. */
  readonly title?: string | undefined;
  /** A run of each entrant that knows chance for each of these. `[1, 2, 3]` unless given. */
  readonly seeds?: readonly number[] | undefined;
  /** The entrant that the others are tested against, by its name. The first unless given. */
  readonly reference?: string | undefined;
  /** Called at the beginning of each part of the work, and while networks train. */
  readonly onProgress?: ((progress: ComparisonProgress) => void) | undefined;
  /** Ends the comparison: the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What a run is told, and tells. */
export interface RunContext {
  readonly seed: number | null;
  readonly signal: AbortSignal | undefined;
  tell(phase: ComparisonProgress["phase"], fraction: number): void;
}

/** @throws {GatewiseError} `invalid_option` */
export function checkSeeds(seeds: readonly number[] | undefined): readonly number[] {
  const given = seeds ?? [1, 2, 3];
  if (!Array.isArray(given) || given.length === 0) throw new GatewiseError("invalid_option", "seeds", "give a list of at least one seed");
  given.forEach((seed, n) => {
    if (Number.isSafeInteger(seed) && seed >= 0 && given.indexOf(seed) === n) return;
    const message = `seeds[${n}] is ${String(seed)}: give whole numbers from 0 on, each once`;
    throw new GatewiseError("invalid_option", `seeds[${n}]`, message);
  });
  return given;
}

/** @throws {GatewiseError} `invalid_option` */
export function checkReference<Kind>(reference: string | undefined, entrants: readonly Entrant<Kind>[]): string {
  const names = entrants.map(({ name }) => name);
  const chosen = reference ?? names[0] ?? "";
  if (names.includes(chosen)) return chosen;
  throw new GatewiseError("invalid_option", "reference", `reference is "${chosen}", which is none of the entrants: ${names.join(", ")}`);
}

/** One entrant after the other, each with every seed that it depends on. */
export async function runAll<Kind extends Classifier | Forecaster, Of extends Run<object>>(
  entrants: readonly Entrant<Kind>[],
  seeds: readonly number[],
  options: RunOptions,
  run: (entrant: Entrant<Kind>, context: RunContext) => Promise<{ readonly run: Of; readonly kind: Learnt }>,
): Promise<EntrantResult<Of>[]> {
  const { signal, onProgress } = options;
  const total = entrants.reduce((sum, { seeded }) => sum + (seeded ? seeds.length : 1), 0);
  const results: EntrantResult<Of>[] = [];
  let done = 0;
  for (const entrant of entrants) {
    const finished: { readonly run: Of; readonly kind: Learnt }[] = [];
    for (const seed of entrant.seeded ? seeds : [null]) {
      signal?.throwIfAborted();
      done += 1;
      const place = { entrant: entrant.name, seed, run: done, runs: total };
      const tell: RunContext["tell"] = (phase, fraction) => onProgress?.({ ...place, phase, fraction });
      tell("fit", 0);
      finished.push(await run(entrant, { seed, signal, tell }));
    }
    results.push(summed(entrant.name, finished));
  }
  return results;
}

/** What is told of the things that learned, beside how they did. */
export interface Learnt {
  readonly settings: object | null;
  readonly parameters: number | null;
}

function summed<Of extends Run<object>>(name: string, finished: readonly { readonly run: Of; readonly kind: Learnt }[]): EntrantResult<Of> {
  const runs = finished.map(({ run }) => run);
  const { settings, parameters } = finished.at(-1)?.kind ?? { settings: null, parameters: null };
  const figures = runs.map((run) => run.figures as Readonly<Record<string, number | null>>);
  const summary = Object.fromEntries(Object.keys(figures[0] ?? {}).map((key) => [key, spreadOf(figures.map((of) => of[key] ?? null))]));
  const seconds = (key: keyof Seconds) => spreadOf(runs.map((run) => run.seconds[key])) as Spread;
  return {
    name,
    settings,
    parameters,
    runs,
    summary: summary as unknown as EntrantResult<Of>["summary"],
    seconds: { fit: seconds("fit"), predict: seconds("predict") },
  };
}

/** Null where a number is missing. */
export function spreadOf(values: readonly (number | null)[]): Spread | null {
  const numbers = values.filter((value) => value !== null);
  if (numbers.length < values.length || numbers.length === 0) return null;
  const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  const squares = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: numbers.length > 1 ? Math.sqrt(squares / (numbers.length - 1)) : 0 };
}

/** Seconds that `work` takes, and its result. */
export async function timed<Result>(work: () => Promise<Result>): Promise<{ readonly seconds: number; readonly result: Result }> {
  const started = performance.now();
  const result = await work();
  return { seconds: (performance.now() - started) / 1000, result };
}
