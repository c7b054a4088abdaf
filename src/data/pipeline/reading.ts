// A table read as a definition says: its groups, steps and samples, before anything is fitted. The order of work stands here.

import { GatewiseError } from "../../errors.js";
import type { Table } from "../table.js";
import { StepColumns } from "./aggregate.js";
import { parseTime } from "./calendar.js";
import { cellError } from "./columns.js";
import { constantColumn } from "./constant.js";
import type { Definition, TimeLike } from "./definition.js";
import type { Source } from "./features.js";
import { Future, stepsAhead } from "./future.js";
import { type Grouped, groupRows } from "./groups.js";
import { type OneSeries, type Series, seriesOf } from "./series.js";
import { rowsWhere } from "./where.js";
import { type Samples, coveredSteps, samplesOf } from "./windows.js";

/** How a table is read, beside what the pipeline's definition says. */
export interface ReadingOptions {
  /** Instead of the definition's: the sample of each group is what came before each of these. */
  readonly cutOffs?: TimeLike | readonly TimeLike[] | undefined;
  /**
   * Until when the table is complete: a target that looks ahead beyond is not known. The time of the last row unless given.
   */
  readonly knownUntil?: TimeLike | undefined;
}

/** A table's steps and samples. */
export interface Reading {
  readonly definition: Definition;
  readonly table: Table;
  readonly grouped: Grouped;
  readonly series: Series;
  readonly columns: StepColumns;
  readonly future: Future;
  readonly samples: Samples;
  /** [steps] 1 for those that samples read. */
  readonly covered: Uint8Array;
}

/**
 * Reads a table.
 *
 * @param looksAhead whether the samples' targets are wanted: then the last steps of a group, whose targets nobody knows, end none
 * @param latest whether each group gives the sample of its end alone
 */
export function readTable(table: Table, definition: Definition, options: ReadingOptions, looksAhead: boolean, latest = false): Reading {
  const target = looksAhead ? definition.target : undefined;
  const cutOffs = cutOffsOf(options.cutOffs ?? definition.steps.cutOffs);
  if (cutOffs !== undefined && definition.time === undefined) {
    throw new GatewiseError("invalid_option", "cutOffs", "cut-offs need a time: name its column in the pipeline's definition");
  }
  const counts = definition.where && rowsWhere(table, definition.where, "where");
  const grouped = groupRows(table, definition.group, definition.time, counts);
  const series = seriesOf(table, grouped, definition, cutOffs, stepsAhead(target));
  const knownUntil = options.knownUntil === undefined ? -Infinity : timeOf(options.knownUntil, "knownUntil");
  const future = new Future(target, grouped, series, knownUntil);
  const isKnown = (one: OneSeries, inputs: number) => future.isKnown(one, inputs);
  const samples = samplesOf(series, grouped, definition, { latest, isKnown });
  const columns = new StepColumns(table, series, definition);
  return { definition, table, grouped, series, columns, future, samples, covered: coveredSteps(series, samples) };
}

function cutOffsOf(given: TimeLike | readonly TimeLike[] | undefined): number[] | undefined {
  if (given === undefined) return undefined;
  const list: readonly TimeLike[] = Array.isArray(given) ? (given as readonly TimeLike[]) : [given as TimeLike];
  return list.map((time, index) => timeOf(time, `cutOffs[${index}]`));
}

function timeOf(time: TimeLike, path: string): number {
  const milliseconds = parseTime(time);
  if (Number.isFinite(milliseconds)) return milliseconds;
  throw new GatewiseError("invalid_option", path, `${String(time)} is no time: give a date such as 2011-09-16`);
}

/** Features are read from steps. */
export function stepSource({ table, series, grouped, columns, definition, covered }: Reading): Source {
  return {
    size: series.steps,
    each: series.each,
    times: series.times,
    covered,
    fill: definition.fill,
    of: (name, wanted) => columns.of(name, wanted),
    error(step, column, message, code = "invalid_data") {
      const row = series.starts[step] as number;
      if (row < (series.starts[step + 1] as number)) return cellError(table, series.rows[row] as number, column, message, code);
      const one = series.each.findLast(({ offset }) => offset <= step);
      const group = one === undefined ? "" : ` of group ${JSON.stringify(grouped.ids[one.group])}`;
      const place = `the step of ${new Date(series.times[step] as number).toISOString()}${group}, which has no row, column "${column}"`;
      return new GatewiseError(code, `steps.${column}`, `${place}: ${message}`);
    },
  };
}

/** Statics are read from what all rows of a series have in common. */
export function staticSource({ table, series, grouped, definition }: Reading): Source {
  return {
    size: series.each.length,
    each: series.each.map((one, offset) => ({ ...one, offset, steps: 1, inputs: 1 })),
    times: new Float64Array(series.each.length),
    covered: new Uint8Array(series.each.length).fill(1),
    fill: definition.fill,
    of: (name, wanted) => constantColumn(table, series, name, wanted),
    error(index, column, message, code = "invalid_data") {
      const one = series.each[index] as OneSeries;
      const row = series.rows[series.starts[one.offset] as number] ?? grouped.order[one.place] ?? 0;
      return cellError(table, row, column, message, code);
    },
  };
}

/** Samples of statics: of each, its series' place. */
export function staticSamples({ samples }: Reading): Samples {
  return { n: samples.n, series: samples.series, from: samples.series, to: samples.series.map((index) => index + 1) };
}
