// Splits in the order of time: what is tested comes after what is learned from. Knows nothing of groups.

import { GatewiseError } from "../../errors.js";
import { parseTime } from "../pipeline/calendar.js";
import type { TimeLike } from "../pipeline/definition.js";
import { type Fold, type Parts, type Splittable, assertFilled, assertShare, assertWhole, timesFor } from "./parts.js";

/** Where parts begin. */
export interface TimeSplitOptions {
  /** When the test begins, or the share of the samples that it gets: a number from 0 to 1. Samples of one time stay together. */
  readonly test: TimeLike;
  /** The same of the validation part, which lies before the test; none unless given. */
  readonly validation?: TimeLike | undefined;
}

/** Parts in time, and what belongs to none. */
export interface TimeParts extends Parts {
  /** Samples whose targets look into the next part: whoever learned from them would know what is asked there. */
  readonly dropped: Uint32Array;
}

/**
 * Training, validation and test one after the other in time. A sample is where its time is: the end of its input. Samples of
 * one part whose targets look into the next are dropped.
 *
 * @param samples what a pipeline gave, or {@link rowKeys} of a table
 * @throws {GatewiseError} `invalid_option`, `empty_data` for a part without a sample, `invalid_data` without times
 *
 * @example
 * ```ts
 * const parts = splitByTime(prepared, { validation: "2011-06-24", test: "2011-09-16" });
 * await model.fit(subset(prepared, parts.training), { validation: subset(prepared, parts.validation) });
 * ```
 */
export function splitByTime(samples: Splittable, { test, validation }: TimeSplitOptions): TimeParts {
  const times = timesFor(samples);
  const testBegins = beginOf(times, test, 0, "test");
  const testShare = typeof test === "number" && test < 1 ? test : 0;
  const validationBegins = validation === undefined ? testBegins : beginOf(times, validation, testShare, "validation");
  if (validationBegins > testBegins) {
    throw new GatewiseError("invalid_option", "validation", "the validation part must begin before the test does");
  }
  const parts: Record<keyof TimeParts, number[]> = { training: [], validation: [], test: [], dropped: [] };
  for (const [sample, time] of times.entries()) {
    const until = samples.until?.[sample] ?? time;
    const [part, end] = partOf(time, validationBegins, testBegins);
    parts[until > end ? "dropped" : part].push(sample);
  }
  const indices = mapParts(parts);
  const remedy = "give earlier or later times";
  assertFilled(indices.training, "training", remedy);
  assertFilled(indices.test, "test", remedy);
  if (validation !== undefined) assertFilled(indices.validation, "validation", remedy);
  return indices;
}

/** The part of a time, and when the next one begins. */
function partOf(time: number, validation: number, test: number): readonly ["training" | "validation" | "test", number] {
  if (time >= test) return ["test", Infinity];
  return time >= validation ? ["validation", test] : ["training", validation];
}

function mapParts({ training, validation, test, dropped }: Record<keyof TimeParts, number[]>): TimeParts {
  const [a, b, c, d] = [training, validation, test, dropped].map((part) => Uint32Array.from(part));
  return { training: a, validation: b, test: c, dropped: d } as unknown as TimeParts;
}

/** When a part begins that has this share, or begins at this time; `after` is the share of what comes after it. */
function beginOf(times: Float64Array, begin: TimeLike, after: number, path: string): number {
  if (typeof begin === "number" && begin <= 1) {
    assertShare(begin, path);
    const order = times.toSorted();
    const place = Math.max(0, order.length - Math.round((begin + after) * order.length));
    return order[Math.min(place, order.length - 1)] ?? NaN;
  }
  const time = parseTime(begin);
  if (Number.isFinite(time)) return time;
  throw new GatewiseError("invalid_option", path, `${path} must be a date, milliseconds, or a share of the samples, not ${String(begin)}`);
}

/** How a rolling origin rolls. Everything counts in distinct times. */
export interface RollingOriginOptions {
  /** How many folds. */
  readonly folds: number;
  /** Times of each test; an equal share of all, the first part left for training, unless given. */
  readonly test?: number | undefined;
  /** Times between training and test that belong to neither. 0 unless given. */
  readonly gap?: number | undefined;
  /** Times of training at most: a window that slides along. All that came before, an expanding one, unless given. */
  readonly longest?: number | undefined;
}

/**
 * Folds for forecasting: each tests on the times that follow what it learns from, and the last on the last there are. Training
 * samples whose targets look into the test are left out of their fold. With distinct times as scikit-learn's `TimeSeriesSplit`.
 *
 * @param samples what a pipeline gave, or {@link rowKeys} of a table
 * @throws {GatewiseError} `invalid_option`, `empty_data` where there are too few times, `invalid_data` without times
 *
 * @example
 * ```ts
 * for (const { training, test } of rollingOrigin(prepared, { folds: 5, longest: 52 })) {
 *   const model = await createModel(definition);
 *   await model.fit(subset(prepared, training));
 *   console.log(await model.evaluate(subset(prepared, test)));
 * }
 * ```
 */
export function rollingOrigin(samples: Splittable, { folds, test, gap = 0, longest = Infinity }: RollingOriginOptions): Fold[] {
  const times = timesFor(samples);
  const distinct = Float64Array.from(new Set(times)).sort();
  assertWhole(folds, 1, "folds");
  assertWhole(gap, 0, "gap");
  if (longest !== Infinity) assertWhole(longest, 1, "longest");
  const size = test ?? Math.floor(distinct.length / (folds + 1));
  if (test !== undefined) assertWhole(test, 1, "test");
  const first = distinct.length - folds * size;
  if (size === 0 || first - gap <= 0) {
    const message = `${distinct.length} times are too few for ${folds} folds of ${size || "any"} and a gap of ${gap}: ask for fewer`;
    throw new GatewiseError("empty_data", "folds", message);
  }
  return Array.from({ length: folds }, (_, fold) => {
    const begin = first + fold * size;
    const [from, to] = [distinct[Math.max(0, begin - gap - longest)] as number, distinct[begin - gap - 1] as number];
    const [testFrom, testTo] = [distinct[begin] as number, distinct[begin + size - 1] as number];
    const training = indicesWhere(times, (time, sample) => time >= from && time <= to && (samples.until?.[sample] ?? time) <= testFrom);
    assertFilled(training, `folds[${fold}].training`, "the targets of all its samples look into the test: ask for fewer folds");
    return { training, test: indicesWhere(times, (time) => time >= testFrom && time <= testTo) };
  });
}

function indicesWhere(times: Float64Array, holds: (time: number, sample: number) => boolean): Uint32Array {
  const found: number[] = [];
  for (const [sample, time] of times.entries()) if (holds(time, sample)) found.push(sample);
  return Uint32Array.from(found);
}
