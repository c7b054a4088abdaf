// Features of steps and statics: fitted on the training part, then columns of numbers or places of categories. Knows nothing of
// windows and targets.

import * as v from "valibot";

import { GatewiseError } from "../../errors.js";
import { fields } from "../../validate.js";
import type { CategoryColumn, Column } from "../table.js";
import { PLACES, milliseconds, placeIn } from "./calendar.js";
import { categoriesOf, numbersOf } from "./columns.js";
import { type Definition, type FeatureDefinition, type FillRule, distinctNames } from "./definition.js";
import { fitCategories, placesOf } from "./encoders.js";
import { fillWithPrevious, fillWithValue, ruleOf } from "./fill.js";
import { type Scaler, ScalerSchema, fitScalers, kindsOf, scaleAll } from "./scalers.js";
import type { OneSeries } from "./series.js";

/** What the training part has taught of one feature, as it is saved. */
export const FittedFeatureSchema = fields({
  /** The mean that stands for missing values. */
  mean: v.optional(v.pipe(v.number(), v.finite())),
  scalers: v.optional(v.array(ScalerSchema)),
  categories: v.optional(distinctNames(1)),
});

export type FittedFeature = v.InferOutput<typeof FittedFeatureSchema>;

/** Where features come from: the columns of steps, or of groups for statics. */
export interface Source {
  /** Places in all: steps, or samples. */
  readonly size: number;
  /** Which of them follow each other. */
  readonly each: readonly OneSeries[];
  /** [size] When each begins. */
  readonly times: Float64Array;
  /** [size] 1 at those that samples read. */
  readonly covered: Uint8Array;
  readonly fill: Definition["fill"];
  of(name: string, wanted: string): Column;
  /** The error of one place's value of a column. */
  error(place: number, column: string, message: string, code?: GatewiseError["code"]): GatewiseError;
}

/** A feature, or several that belong together, at every place. */
export type Block =
  /** One number. */
  | { readonly kind: "numbers"; readonly name: string; readonly values: Float64Array }
  /** One number whose gaps are lines within each sample; then it is scaled. */
  | { readonly kind: "lines"; readonly name: string; readonly values: Float64Array; readonly scalers: readonly Scaler[] }
  /** One of several: 1 at the place of the category, none of them below 0. */
  | { readonly kind: "one-hot"; readonly names: readonly string[]; readonly places: Int32Array }
  /** A token. */
  | { readonly kind: "tokens"; readonly name: string; readonly size: number; readonly places: Int32Array };

/** A name alone is a column as it is. */
export function asFeature(feature: Definition["features"][number]): FeatureDefinition {
  return typeof feature === "string" ? { column: feature } : feature;
}

/** Fits a feature on the places that are covered, which the training part's samples read. */
export function fitFeature(feature: FeatureDefinition, source: Source, path: string): FittedFeature {
  const { column, encode, categories, scale } = feature;
  const { covered } = source;
  if (encode !== undefined && column !== undefined) {
    const found = fitCategories(categoriesOf(source.of(column, path)), covered, categories);
    if (found.length > 0) return { categories: found };
    throw new GatewiseError("empty_data", path, `"${column}" has no category in the training part: leave it out`);
  }
  const raw = rawNumbers(feature, source, path);
  if (raw === undefined) return {};
  const rule = column === undefined ? "error" : ruleOf(source.fill, column);
  const mean = rule === "mean" ? meanOf(raw, covered) : undefined;
  const filled = fillNumbers(raw, rule, mean, source.each, path);
  const kinds = kindsOf(scale);
  const scalers = kinds.length === 0 ? [] : fitScalers(kinds, knownOf(filled, covered));
  return { ...(mean === undefined ? {} : { mean }), ...(scalers.length === 0 ? {} : { scalers }) };
}

/** What a fitted feature is at every place; an error for a covered place that has no value or a category that there is not. */
export function applyFeature(feature: FeatureDefinition, fitted: FittedFeature, source: Source, path: string): Block[] {
  const { column, calendar, encode } = feature;
  if (calendar !== undefined) return calendarBlocks(feature, calendar, source);
  if (encode !== undefined && column !== undefined) return [encoded(feature, fitted, source, path)];
  const raw = rawNumbers(feature, source, path) as Float64Array;
  const rule = column === undefined ? "error" : ruleOf(source.fill, column);
  const name = feature.name ?? nameOf(feature);
  const { scalers = [] } = fitted;
  const flag: Block[] = feature.missing
    ? [{ kind: "numbers", name: `${name} missing`, values: raw.map((value) => (Number.isNaN(value) ? 1 : 0)) }]
    : [];
  if (rule === "linear") return [{ kind: "lines", name, values: raw, scalers }, ...flag];
  const filled = fillNumbers(raw, rule, fitted.mean, source.each, path);
  const gap = firstGap(filled, source.covered);
  if (gap >= 0) throw noNumber(source, gap, column ?? name, filled[gap] as number, rule);
  return [{ kind: "numbers", name, values: scaleAll(filled === raw ? raw.slice() : filled, scalers) }, ...flag];
}

function firstGap(values: Float64Array, covered: Uint8Array): number {
  for (let place = 0; place < values.length; place++) if (covered[place] === 1 && !Number.isFinite(values[place])) return place;
  return -1;
}

function noNumber(source: Source, place: number, column: string, value: number, rule: FillRule): GatewiseError {
  if (!Number.isNaN(value)) return source.error(place, column, `it is ${value}: replace it, or leave the row out`, "not_finite");
  const before = rule === "previous" ? " and the group has none before" : "";
  const message = `it has no value${before}: say in fill what stands for it ("zero", "previous", "linear", "mean", { value })`;
  return source.error(place, column, message, "not_finite");
}

function nameOf({ column, elapsed, stepsSince, total }: FeatureDefinition): string {
  if (elapsed !== undefined) return `${elapsed}s since the step before`;
  if (stepsSince !== undefined) return `steps since ${stepsSince}`;
  return total === undefined ? (column ?? "") : `total ${total}`;
}

/** The feature's numbers before anything is filled or scaled; undefined for a place in the calendar. */
function rawNumbers({ column, elapsed, stepsSince, total }: FeatureDefinition, source: Source, path: string): Float64Array | undefined {
  const numbers = (name: string) => numbersOf(source.of(name, path), name, path);
  if (column !== undefined) return numbers(column);
  if (elapsed !== undefined) return overSeries(source, source.times, elapsedBy(milliseconds(elapsed)));
  if (stepsSince !== undefined) return overSeries(source, numbers(stepsSince), sinceNotZero);
  return total === undefined ? undefined : overSeries(source, numbers(total), (sum, value) => sum + (Number.isNaN(value) ? 0 : value));
}

/** Folds each series from its beginning, where the result before is 0 and the value before is undefined. */
function overSeries(
  { each, size }: Source,
  values: Float64Array,
  next: (result: number, value: number, before: number | undefined) => number,
): Float64Array {
  const results = new Float64Array(size);
  for (const { offset, steps } of each) {
    let result = 0;
    for (let step = offset; step < offset + steps; step++) {
      result = next(result, values[step] as number, step === offset ? undefined : values[step - 1]);
      results[step] = result;
    }
  }
  return results;
}

function elapsedBy(unit: number): (result: number, time: number, before: number | undefined) => number {
  return (_, time, before) => (before === undefined ? 0 : (time - before) / unit);
}

function sinceNotZero(steps: number, value: number): number {
  return value === 0 || Number.isNaN(value) ? steps + 1 : 0;
}

function fillNumbers(raw: Float64Array, rule: FillRule, mean: number | undefined, each: readonly OneSeries[], path: string): Float64Array {
  if (rule === "zero") return fillWithValue(raw, 0);
  if (rule === "mean") return fillWithValue(raw, mean ?? NaN);
  if (rule === "previous") return fillWithPrevious(raw, each);
  if (typeof rule === "string") return raw;
  if (typeof rule.value === "string") {
    throw new GatewiseError("invalid_option", `${path}.fill`, `${path} reads numbers, and fill has ${JSON.stringify(rule.value)} for it`);
  }
  return fillWithValue(raw, Number(rule.value));
}

/** The values at covered places that are not missing. */
function knownOf(values: Float64Array, covered: Uint8Array): Float64Array {
  const known = new Float64Array(values.length);
  let count = 0;
  for (let place = 0; place < values.length; place++) {
    const value = values[place] as number;
    if (covered[place] === 1 && !Number.isNaN(value)) known[count++] = value;
  }
  return known.subarray(0, count);
}

function meanOf(values: Float64Array, covered: Uint8Array): number {
  let [sum, n] = [0, 0];
  for (let place = 0; place < values.length; place++) {
    if (covered[place] === 0 || Number.isNaN(values[place])) continue;
    sum += values[place] as number;
    n++;
  }
  return n === 0 ? 0 : sum / n;
}

function encoded(feature: FeatureDefinition, { categories = [] }: FittedFeature, source: Source, path: string): Block {
  const { column = "", encode, unseen = "error", name = column } = feature;
  const given = fillCategories(categoriesOf(source.of(column, path)), ruleOf(source.fill, column), source.each, path);
  const other = encode === "ordinal" ? -1 : categories.length;
  const places = placesOf(given.names, categories, unseen === "other" ? other : -2);
  const codes = given.codes.map((code) => (code < 0 ? -3 : (places[code] as number)));
  const wrong = codes.findIndex((code, place) => source.covered[place] === 1 && code < -1);
  if (wrong >= 0) {
    const message =
      codes[wrong] === -3
        ? "it has no value: say in fill what stands for it"
        : `${JSON.stringify(given.names[given.codes[wrong] as number])} is no category of the training part: give it a place with unseen: "other"`;
    throw source.error(wrong, column, message);
  }
  const size = categories.length + (unseen === "other" ? 1 : 0);
  if (encode === "tokens") return { kind: "tokens", name, size, places: codes };
  if (encode === "ordinal") return { kind: "numbers", name, values: Float64Array.from(codes) };
  const names = [...categories, ...(unseen === "other" ? ["other"] : [])].map((category) => `${name}=${category}`);
  return { kind: "one-hot", names, places: codes };
}

function fillCategories(column: CategoryColumn, rule: FillRule, each: readonly OneSeries[], path: string): CategoryColumn {
  if (rule === "error") return column;
  if (rule === "previous") return { ...column, codes: fillWithPrevious(column.codes, each) };
  if (typeof rule === "string") {
    const message = `${path} reads categories, and fill has ${JSON.stringify(rule)} for it: give "previous" or { value: … }`;
    throw new GatewiseError("invalid_option", `${path}.fill`, message);
  }
  const value = String(rule.value);
  const names = column.names.includes(value) ? column.names : [...column.names, value];
  return { kind: "category", names, codes: fillWithValue(column.codes, names.indexOf(value)) };
}

function calendarBlocks({ as = "cycle", name: given }: FeatureDefinition, part: NonNullable<FeatureDefinition["calendar"]>, source: Source): Block[] {
  const name = given ?? part;
  const size = PLACES[part];
  const places = Int32Array.from(source.times, (time) => placeIn(part, time));
  if (as === "one-hot") return [{ kind: "one-hot", names: Array.from({ length: size }, (_, place) => `${name}=${place}`), places }];
  if (as === "number") return [{ kind: "numbers", name, values: Float64Array.from(places) }];
  const angle = (2 * Math.PI) / size;
  return [
    { kind: "numbers", name: `${name} sin`, values: Float64Array.from(places, (place) => Math.sin(angle * place)) },
    { kind: "numbers", name: `${name} cos`, values: Float64Array.from(places, (place) => Math.cos(angle * place)) },
  ];
}
