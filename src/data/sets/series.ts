// Series of several channels as sequences: what the readers of the UCR/UEA archive's two formats share. Knows neither format.

import { GatewiseError } from "../../errors.js";
import { type FilePlace, invalidFile } from "../readers/errors.js";
import type { LabelledSet } from "./labelled.js";

/** How series are read. */
export interface SeriesOptions {
  /**
   * What is put in the place of a missing value: the channel's last one before it (at its beginning, the first one after it), a
   * line between the two, or 0. Unless given, missing values are an error.
   */
  readonly fill?: "previous" | "linear" | "zero" | undefined;
  /** The classes, where the file does not say them or in another order: the training part's, for the test part. */
  readonly classes?: readonly string[] | undefined;
}

const FILLS: ReadonlySet<unknown> = new Set([undefined, "previous", "linear", "zero"]);

/** One series: [channels][length], and its class. NaN is a missing value. */
export interface Series {
  readonly line: number;
  readonly channels: readonly Float64Array[];
  readonly label: string;
}

/** @throws {GatewiseError} `invalid_option` */
export function checkSeriesOptions({ fill, classes }: SeriesOptions): void {
  if (!FILLS.has(fill)) throw new GatewiseError("invalid_option", "options.fill", 'fill is "previous", "linear" or "zero"');
  if (classes === undefined || (Array.isArray(classes) && new Set(classes).size === classes.length)) return;
  throw new GatewiseError("invalid_option", "options.classes", "classes must be a list of names, no two alike");
}

/** Pads series to the longest, and fills what is missing. All of them have as many channels. */
export function seriesSet(name: string, series: readonly Series[], classes: readonly string[], { fill }: SeriesOptions): LabelledSet {
  const [first] = series;
  if (!first) throw new GatewiseError("empty_data", name, `${name} has no series`);
  const channels = first.channels.length;
  const lengths = Uint32Array.from(series, (one) => one.channels[0]?.length ?? 0);
  const steps = lengths.reduce((most, length) => Math.max(most, length), 0);
  const x = new Float32Array(series.length * steps * channels);
  for (const [index, one] of series.entries()) {
    if (!classes.includes(one.label)) throw unknownClass(name, one, classes);
    for (const [channel, values] of one.channels.entries()) {
      fillMissing(values, fill, name, { line: one.line, column: `channel ${channel + 1}` });
      for (let step = 0; step < values.length; step++) x[(index * steps + step) * channels + channel] = values[step] as number;
    }
  }
  return { x, shape: [series.length, steps, channels], lengths, targets: series.map(({ label }) => label), classes };
}

function unknownClass(name: string, { line, label }: Series, classes: readonly string[]): GatewiseError {
  const message = `"${label}" is no class: there are ${classes.map((name) => `"${name}"`).join(", ")}`;
  return invalidFile(name, { line }, message);
}

function fillMissing(values: Float64Array, fill: SeriesOptions["fill"], name: string, place: FilePlace): void {
  let known = -1;
  for (let step = 0; step <= values.length; step++) {
    if (step < values.length && Number.isNaN(values[step])) continue;
    const gap = step - known - 1;
    if (gap > 0 && fill === undefined) {
      throw invalidFile(name, place, `the value of step ${known + 2} is missing: say in \`fill\` what to put in its place`);
    }
    if (gap === values.length && fill !== "zero") throw invalidFile(name, place, "no value is there: all are missing");
    for (let at = known + 1; at < step; at++) values[at] = filled(values, [known, at, step], fill);
    known = step;
  }
}

/** The value of step `at` between the known ones `before` and `after`, which may lie outside of the series. */
function filled(values: Float64Array, [before, at, after]: readonly [number, number, number], fill: SeriesOptions["fill"]): number {
  if (fill === "zero") return 0;
  const [last, next] = [values[before], values[after]];
  if (last === undefined || next === undefined || fill === "previous") return last ?? (next as number);
  return last + ((next - last) * (at - before)) / (after - before);
}
