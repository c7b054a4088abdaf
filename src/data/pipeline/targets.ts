// What the model is to predict of each sample: classes of groups, rows or events, or values ahead. Knows nothing of features.

import * as v from "valibot";

import { GatewiseError } from "../../errors.js";
import { fields } from "../../validate.js";
import type { Table } from "../table.js";
import type { StepColumns } from "./aggregate.js";
import { categoriesOf, cellError, columnOf, numbersOf, sorted } from "./columns.js";
import { constantColumn } from "./constant.js";
import { type Definition, type TargetDefinition, distinctNames } from "./definition.js";
import { ruleOf } from "./fill.js";
import type { Future } from "./future.js";
import type { Grouped } from "./groups.js";
import { ScalerSchema, fitScalers, kindsOf, scaled } from "./scalers.js";
import type { OneSeries, Series } from "./series.js";
import { rowsWhere } from "./where.js";
import type { Samples } from "./windows.js";

/** What the training part has taught of the target, as it is saved. */
export const FittedTargetSchema = fields({
  classes: v.optional(distinctNames(1)),
  /** Those of each of the values. */
  scalers: v.optional(v.array(v.array(ScalerSchema))),
});

export type FittedTarget = v.InferOutput<typeof FittedTargetSchema>;

/** What targets are read from. */
export interface TargetSource {
  readonly table: Table;
  readonly grouped: Grouped;
  readonly series: Series;
  readonly columns: StepColumns;
  readonly samples: Samples;
  readonly future: Future;
  readonly definition: Definition;
}

/** What an event's classes are called unless the definition says. */
const NO_AND_YES = ["no", "yes"];

/** Targets before the training part's classes and scalers come into it: names, or numbers [n, steps, values]. */
export type RawTargets =
  | { readonly names: readonly string[]; readonly rows: Uint32Array; readonly column: string }
  | { readonly values: Float64Array };

/** Reads the targets of all samples. */
export function readTargets(target: TargetDefinition, source: TargetSource): RawTargets {
  if (target.values !== undefined) return { values: readValues(target, source) };
  if (target.event !== undefined) return readEvents(target.event, target.classes ?? NO_AND_YES, source);
  const name = (target.label ?? target.last) as string;
  const path = target.label === undefined ? "target.last" : "target.label";
  const { table, series, samples } = source;
  const rows = Uint32Array.from(samples.series, (index, sample) => lastRow(series, series.each[index] as OneSeries, samples.to[sample] as number));
  const column = categoriesOf(target.label === undefined ? columnOf(table, name, path) : constantColumn(table, series, name, path));
  const names = Array.from(rows, (row, sample) => {
    const code = column.codes[target.label === undefined ? row : (samples.series[sample] as number)] as number;
    if (code >= 0) return column.names[code] as string;
    throw cellError(table, row, name, "the target has no value: leave the row out, or its group", "invalid_target");
  });
  return { names, rows, column: name };
}

/** The last row before the step `to`; every series begins with a step that has a row, or has one before its end. */
function lastRow({ starts, rows }: Series, { offset }: OneSeries, to: number): number {
  const place = Math.max((starts[to] as number) - 1, starts[offset] as number);
  return rows[place] as number;
}

function readEvents(where: NonNullable<TargetDefinition["event"]>, classes: readonly string[], source: TargetSource): RawTargets {
  const { table, grouped, series, samples, future } = source;
  const fulfils = rowsWhere(table, where, "target.event");
  // [rows + 1] How many of the rows before each place do: the difference of two counts is that of all between.
  const before = new Uint32Array(grouped.order.length + 1);
  grouped.order.forEach((row, place) => (before[place + 1] = (before[place] as number) + (fulfils[row] as number)));
  const names = Array.from(samples.series, (index, sample) => {
    const one = series.each[index] as OneSeries;
    const [from, to] = future.placesAfter(one, (samples.to[sample] as number) - one.offset);
    return ((before[to] as number) > (before[from] as number) ? classes[1] : classes[0]) as string;
  });
  return { names, rows: new Uint32Array(0), column: "" };
}

/** [n, steps, values] What is missing stays so only where fill has no value that stands for it. */
function readValues({ values, horizon, steps }: TargetDefinition, source: TargetSource): Float64Array {
  const { samples, columns, definition } = source;
  const names = valueNames(values);
  const numbers = new Float64Array(samples.n * steps * names.length);
  for (const [k, name] of names.entries()) {
    const column = numbersOf(columns.of(name, "target.values"), name, "target.values");
    const rule = ruleOf(definition.fill, name);
    const instead = rule === "zero" ? 0 : typeof rule === "object" ? Number(rule.value) : NaN;
    for (let sample = 0; sample < samples.n; sample++) {
      const first = (samples.to[sample] as number) + horizon - 1;
      for (let step = 0; step < steps; step++) {
        const value = column[first + step] as number;
        numbers[(sample * steps + step) * names.length + k] = Number.isNaN(value) ? instead : value;
      }
    }
  }
  const missing = numbers.findIndex((value) => !Number.isFinite(value));
  if (missing < 0) return numbers;
  const [sample, step] = [Math.floor(missing / (steps * names.length)), Math.floor(missing / names.length) % steps];
  throw noTarget(source, (samples.to[sample] as number) + horizon - 1 + step, names[missing % names.length] as string);
}

function noTarget({ table, series }: TargetSource, step: number, name: string): GatewiseError {
  const place = series.starts[step] as number;
  if (place < (series.starts[step + 1] as number)) {
    return cellError(table, series.rows[place] as number, name, "the target has no finite value: leave the row out", "invalid_target");
  }
  const time = new Date(series.times[step] as number).toISOString();
  return new GatewiseError("invalid_target", "target.values", `"${name}" has no value in the step of ${time}: say in fill what stands for it`);
}

export function valueNames(values: TargetDefinition["values"]): readonly string[] {
  return values === undefined ? [] : typeof values === "string" ? [values] : values;
}

/** Classes and scalers of the training part. */
export function fitTarget(target: TargetDefinition, raw: RawTargets): FittedTarget {
  if ("names" in raw) {
    const classes = target.classes ?? (target.event ? NO_AND_YES : sorted([...new Set(raw.names)]));
    if (classes.length > 1) return { classes: [...classes] };
    const message = `the training part has the one class ${JSON.stringify(classes[0])}: give targets of two classes at least`;
    throw new GatewiseError("invalid_target", "target", message);
  }
  const kinds = kindsOf(target.scale);
  const width = valueNames(target.values).length;
  if (kinds.length === 0) return {};
  return { scalers: Array.from({ length: width }, (_, k) => fitScalers(kinds, raw.values.filter((_, i) => i % width === k))) };
}

/** As models take them: names that the training part has, or scaled numbers. */
export function applyTarget(target: TargetDefinition, fitted: FittedTarget, raw: RawTargets, table: Table): string[] | Float32Array {
  if ("values" in raw) {
    const { scalers } = fitted;
    const width = valueNames(target.values).length;
    return Float32Array.from(raw.values, (value, i) => (scalers?.[i % width] ?? []).reduce(scaled, value));
  }
  const known = new Set(fitted.classes);
  const sample = raw.names.findIndex((name) => !known.has(name));
  if (sample < 0) return [...raw.names];
  const classes = [...known].map((name) => JSON.stringify(name)).join(", ");
  const message = `${JSON.stringify(raw.names[sample])} is no class of the training part (${classes}): name all of them in target.classes`;
  throw cellError(table, raw.rows[sample] as number, raw.column, message, "unknown_class");
}

