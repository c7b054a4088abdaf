// A fitted pipeline: from tables to what models read, as the training part has taught. What it knows is plain data.

import { GatewiseError } from "../../errors.js";
import type { Output, Targets } from "../../model/outputs.js";
import { deepFreeze } from "../../json.js";
import type { Sequences } from "../types.js";
import type { Rows } from "../rows.js";
import type { Table } from "../table.js";
import type { FeatureDefinition } from "./definition.js";
import { type Block, type FittedFeature, type Source, applyFeature, asFeature } from "./features.js";
import type { OneSeries } from "./series.js";
import type { FittedOn, Origins, Prepared, PreparedInputs } from "./prepared.js";
import { type Reading, type ReadingOptions, readTable, staticSamples, staticSource, stepSource } from "./reading.js";
import { copyNumbers, copyTokens, namesOf } from "./samples.js";
import type { SavedPipeline } from "./saved.js";
import { unscaled } from "./scalers.js";
import { tableFor } from "./table-for.js";
import { applyTarget, readTargets } from "./targets.js";
import type { Samples } from "./windows.js";

/** How a table is read where nobody asks for targets. */
export interface SequencesOptions extends ReadingOptions {
  /** Whether each group gives one sample alone, that of its last steps: what a forecast begins from. False unless given. */
  readonly latest?: boolean | undefined;
}

/**
 * A pipeline that has seen its training part: {@link Pipeline.fit} makes it, and `loadModel` finds it in the model's file.
 * It holds no data, but what scalers and encoders have learned.
 *
 * @typeParam Out what its targets are for, as in `Model`
 * @typeParam Read what its samples are: whether there are numbers at each step
 */
export class FittedPipeline<Out extends Output = string, Read extends Sequences = Sequences> {
  /** What each number of a step is: as many as the model's `input.features`. */
  readonly features: readonly string[];
  /** What each number of a whole sequence is: as many as `input.statics`. */
  readonly statics: readonly string[];
  /** How many tokens there are: `input.tokens`; undefined where no feature is encoded so. */
  readonly tokens: number | undefined;
  /** The classes of the target, in the model's order; undefined where it is none of classes. */
  readonly classes: readonly ([Out] extends [string] ? Out : string)[] | undefined;
  readonly #saved: SavedPipeline;
  readonly #fittedOn: FittedOn | undefined;

  /** @internal */
  constructor(saved: SavedPipeline, fittedOn?: FittedOn) {
    this.#saved = deepFreeze(saved);
    this.#fittedOn = fittedOn;
    const { definition, features, statics, target } = saved;
    // What features are called and how many there are is the same without any rows.
    const blocks = blocksOf(definition.features.map(asFeature), features, NOTHING, "features");
    this.features = namesOf(blocks);
    this.statics = namesOf(blocksOf(definition.statics.map(asFeature), statics, NOTHING, "statics"));
    this.tokens = blocks.find((block) => block.kind === "tokens")?.size;
    this.classes = target?.classes as this["classes"];
  }

  /**
   * What `fit` and `evaluate` take: the samples of these rows with their targets.
   *
   * @param rows a table, or a list of objects
   * @param options cut-offs instead of the definition's
   * @throws {GatewiseError} `invalid_data`, `not_finite`, `invalid_target`, `unknown_class`, with row and column; `empty_data`;
   * `invalid_option`; `out_of_memory`
   *
   * @example
   * ```ts
   * const test = fitted.apply(table, { cutOffs: "2011-09-16" });
   * console.log(await model.evaluate(test));
   * ```
   */
  apply(rows: Rows, options: ReadingOptions = {}): Prepared<Out, Read> {
    const { definition, target } = this.#saved;
    if (definition.target === undefined || target === undefined) {
      throw new GatewiseError("invalid_option", "target", "this pipeline has no target: give it one, or take its sequences");
    }
    const reading = readTable(this.#tableOf(rows), definition, options, true);
    const raw = readTargets(definition.target, reading);
    const targets = applyTarget(definition.target, target, raw, reading.table) as Targets<Out>;
    const { series, samples, future } = reading;
    const until = Float64Array.from(samples.series, (index, sample) => {
      const one = series.each[index] as OneSeries;
      return future.untilOf(one, (samples.to[sample] as number) - one.offset);
    });
    return { ...this.#sequences(reading), targets, until } as unknown as Prepared<Out, Read>;
  }

  /**
   * What `predict` takes: the samples of these rows, whatever came or comes after them.
   *
   * @param rows a table, or a list of objects; columns of targets need not be there
   * @param options cut-offs instead of the definition's; whether each group gives its latest sample alone
   * @throws {GatewiseError} as {@link apply}
   */
  sequences(rows: Rows, { latest = false, ...options }: SequencesOptions = {}): PreparedInputs<Read> {
    return this.#sequences(readTable(this.#tableOf(rows), this.#saved.definition, options, false, latest));
  }

  /** What a model's values stand for: numbers [steps, values] as they are in the table. */
  originalValues(values: Float32Array): Float32Array {
    const { scalers } = this.#saved.target ?? {};
    if (scalers === undefined) return values;
    return values.map((value, i) => (scalers[i % scalers.length] ?? []).reduceRight(unscaled, value));
  }

  /** All of it as plain data. */
  toJSON(): SavedPipeline {
    return this.#saved;
  }

  #tableOf(rows: Rows): Table {
    return tableFor(rows, this.#saved.columns);
  }

  #sequences(reading: Reading): PreparedInputs<Read> {
    const { definition, features, statics } = this.#saved;
    const { samples } = reading;
    const source = stepSource(reading);
    const blocks = blocksOf(definition.features.map(asFeature), features, source, "features");
    const lengths = Uint32Array.from(samples.to, (to, sample) => to - (samples.from[sample] as number));
    const longest = lengths.reduce((a, b) => Math.max(a, b), 0);
    const tokens = blocks.find((block) => block.kind === "tokens");
    const numbers = this.features.length === 0 ? undefined : copyNumbers(blocks, samples, longest, noLine(samples, source));
    return {
      ...(numbers ? { x: numbers, shape: [samples.n, longest, this.features.length] } : { shape: [samples.n, longest] }),
      ...(tokens ? { tokens: copyTokens(tokens.places, samples, longest) } : {}),
      ...(statics.length === 0 ? {} : { statics: this.#staticsOf(reading) }),
      lengths,
      ...this.#origins(reading),
    } as unknown as PreparedInputs<Read>;
  }

  #staticsOf(reading: Reading): Float32Array {
    const { definition, statics } = this.#saved;
    const source = staticSource(reading);
    const blocks = blocksOf(definition.statics.map(asFeature), statics, source, "statics");
    const samples = staticSamples(reading);
    return copyNumbers(blocks, samples, 1, noLine(samples, source));
  }

  #origins({ series, samples, grouped, future }: Reading): Omit<Origins, "lengths"> {
    const each = Array.from(samples.series, (index) => series.each[index] as OneSeries);
    return {
      groups: each.map(({ group }) => grouped.ids[group] ?? null),
      starts: Float64Array.from(samples.from, (step) => series.times[step] as number),
      times: Float64Array.from(each, (one, sample) => future.endOf(one, (samples.to[sample] as number) - one.offset)),
      preprocessing: this.#saved,
      features: this.features,
      staticNames: this.statics,
      ...(this.#fittedOn === undefined ? {} : { fittedOn: this.#fittedOn }),
    };
  }
}

function noLine(samples: Samples, source: Source): (sample: number, name: string) => GatewiseError {
  return (sample, name) =>
    source.error(samples.from[sample] as number, name, "no step of this sample has a value to draw lines from: leave it out", "not_finite");
}

/** No rows at all, of any column. */
const NOTHING: Source = {
  size: 0,
  each: [],
  times: new Float64Array(0),
  covered: new Uint8Array(0),
  fill: "error",
  of: () => ({ kind: "number", values: new Float64Array(0) }),
  error: (_, column, message) => new GatewiseError("internal_error", column, message),
};

function blocksOf(
  features: readonly FeatureDefinition[],
  fitted: readonly FittedFeature[],
  source: Source,
  path: "features" | "statics",
): Block[] {
  return features.flatMap((feature, i) => applyFeature(feature, fitted[i] ?? {}, source, `${path}[${i}]`));
}
