// Pipelines before they are fitted: `definePipeline`, and what its types make of a definition.

import type { Output } from "../../model/outputs.js";
import { deepFreeze } from "../../json.js";
import { validated } from "../../validate.js";
import { type Rows, asTable } from "../rows.js";
import type { Column, Table } from "../table.js";
import type { NumbersAndMore, Sequences, TokenSequences } from "../types.js";
import { type AggregateDefinition, type Definition, type PipelineDefinition, PipelineSchema, type WhereDefinition } from "./definition.js";
import { asFeature, fitFeature } from "./features.js";
import { FittedPipeline } from "./fitted.js";
import type { GroupId } from "./groups.js";
import type { FittedOn } from "./prepared.js";
import { type Reading, type ReadingOptions, readTable, staticSource, stepSource } from "./reading.js";
import { SAVED_VERSION } from "./saved.js";
import type { OneSeries } from "./series.js";
import { fitTarget, readTargets, valueNames } from "./targets.js";

/** What a definition's targets are for, as `Model` has it: the union of its classes, or values. */
export type OutputOfPipeline<D extends PipelineDefinition> = D extends { readonly target: infer Target }
  ? Target extends { readonly values: unknown }
    ? { readonly values: number }
    : Target extends { readonly classes: readonly (infer Class extends string)[] }
      ? Class
      : Target extends { readonly event: unknown }
        ? "no" | "yes"
        : string
  : string;

/** What a definition's samples are: tokens alone where no other feature is asked for, else numbers at each step. */
export type SequencesOfPipeline<D extends PipelineDefinition> = D extends { readonly features: readonly (infer Feature)[] }
  ? string extends Feature
    ? Sequences
    : [Exclude<Feature, { readonly encode: "tokens" }>] extends [never]
      ? TokenSequences
      : NumbersAndMore
  : Sequences;

/** A pipeline that has seen no data: see {@link definePipeline}. */
export interface Pipeline<Out extends Output = string, Read extends Sequences = Sequences> {
  /** The definition with every default filled in. Frozen. */
  readonly definition: Definition;
  /**
   * Fits scalers, encoders and classes on the training part, and on nothing else: give it no rows that are held out.
   *
   * @param rows a table, or a list of objects
   * @param options cut-offs instead of the definition's
   * @throws {GatewiseError} `invalid_data`, `not_finite`, `invalid_target` with row and column; `empty_data`; `invalid_option`;
   * `out_of_memory`
   */
  fit(rows: Rows, options?: ReadingOptions): FittedPipeline<Out, Read>;
}

/**
 * From tables to sequences, as data: which rows belong together and in which order, what a step is, what the model reads of it,
 * and what it is to predict. The definition is JSON; fitted, it is saved inside the model.
 *
 * Nothing of a sample's input is taken from after its end: not what fills gaps, and not what scalers and encoders know.
 *
 * @param definition plain data
 * @throws {GatewiseError} `invalid_option` with a path such as `pipeline.steps.every`
 *
 * @example
 * ```ts
 * const pipeline = definePipeline({
 *   group: "customer",
 *   time: "time",
 *   steps: { every: "week" },
 *   aggregate: { orders: { count: true, where: { cancelled: 0 } }, value: { sum: "value", where: { cancelled: 0 } } },
 *   features: [{ column: "orders", scale: "standard" }, { column: "value", scale: ["log", "standard"] }],
 *   window: { size: 26, prefixes: true },
 *   target: { event: { cancelled: 0 }, within: 12, classes: ["lapsed", "returning"] },
 * });
 * const fitted = pipeline.fit(training);
 * const model = await createModel({
 *   input: { features: fitted.features.length },
 *   layers: [{ cell: "lstm", units: 32 }],
 *   output: { classes: ["lapsed", "returning"] },
 * });
 * await model.fit(fitted.apply(training), { validation: fitted.apply(validation) });
 * const [first] = await model.predict({ rows: [{ customer: 7, time: "2011-09-01", value: 20, cancelled: 0 }] });
 * ```
 */
export function definePipeline<const D extends PipelineDefinition>(
  definition: D,
): Pipeline<OutputOfPipeline<D>, SequencesOfPipeline<D>> {
  const checked = deepFreeze(validated(PipelineSchema, definition, "pipeline", "invalid_option"));
  return {
    definition: checked,
    fit: (rows, options = {}) => fitPipeline<OutputOfPipeline<D>, SequencesOfPipeline<D>>(checked, asTable(rows), options),
  };
}

function fitPipeline<Out extends Output, Read extends Sequences>(
  definition: Definition,
  table: Table,
  options: ReadingOptions,
): FittedPipeline<Out, Read> {
  const reading = readTable(table, definition, options, true);
  const steps = stepSource(reading);
  const statics = staticSource(reading);
  const { target } = definition;
  return new FittedPipeline<Out, Read>(
    {
      version: SAVED_VERSION,
      definition,
      columns: kindsOf(definition, table),
      features: definition.features.map((feature, i) => fitFeature(asFeature(feature), steps, `features[${i}]`)),
      statics: definition.statics.map((feature, i) => fitFeature(asFeature(feature), statics, `statics[${i}]`)),
      ...(target === undefined ? {} : { target: fitTarget(target, readTargets(target, reading)) }),
    },
    fittedOn(reading),
  );
}

function fittedOn({ samples, series, grouped, future }: Reading): FittedOn {
  const until = new Map<GroupId, number>();
  for (let sample = 0; sample < samples.n; sample++) {
    const one = series.each[samples.series[sample] as number] as OneSeries;
    const group = grouped.ids[one.group] ?? null;
    const end = future.endOf(one, (samples.to[sample] as number) - one.offset);
    until.set(group, Math.max(until.get(group) ?? -Infinity, end));
  }
  return until;
}

/** The column that an aggregate reads; undefined for counts. */
function columnIn({ sum, mean, min, max, first, last, distinct }: AggregateDefinition): string | undefined {
  return sum ?? mean ?? min ?? max ?? first ?? last ?? distinct;
}

/** What the table's columns hold that the definition names. */
function kindsOf(definition: Definition, table: Table): Record<string, Column["kind"]> {
  const { group, time, where, steps, aggregate, features, statics, target } = definition;
  const ofWhere = (where: WhereDefinition | undefined) => Object.keys(where ?? {});
  const ofAggregates = Object.values(aggregate ?? {}).flatMap((what) => [columnIn(what)].concat(ofWhere(what.where)));
  const ofFeatures = features.map(asFeature).flatMap(({ column, stepsSince, total }) => [column, stepsSince, total]);
  const ofSteps = ofFeatures.concat(valueNames(target?.values));
  const named = [
    group,
    time,
    target?.label,
    target?.last,
    ...ofWhere(where),
    ...ofWhere(steps.begin),
    ...ofWhere(target?.event),
    ...statics.map((feature) => asFeature(feature).column),
    ...(aggregate === undefined ? ofSteps : ofAggregates),
  ];
  const known = named.filter((name) => name !== undefined && Object.hasOwn(table.columns, name)) as string[];
  return Object.fromEntries(known.map((name) => [name, (table.columns[name] as Column).kind]));
}
