// Some of a pipeline's samples, or of a table's rows, by their indices: what the splits give.

import { GatewiseError } from "../../errors.js";
import { gather } from "../pipeline/aggregate.js";
import { type GroupId, groupRows } from "../pipeline/groups.js";
import type { PreparedInputs } from "../pipeline/prepared.js";
import { columnOf, timesOf } from "../pipeline/columns.js";
import type { Table } from "../table.js";
import type { Splittable } from "./parts.js";

/** Which columns tell a row's group and time. */
export interface RowKeyColumns {
  readonly group?: string | undefined;
  readonly time?: string | undefined;
  /** The column of classes, for stratified splits. */
  readonly target?: string | undefined;
}

/**
 * The groups and times of a table's rows, for splits of the table itself, before a pipeline is fitted.
 *
 * @throws {GatewiseError} `invalid_data` for a column that is not there or a row without group or time
 *
 * @example
 * ```ts
 * const { training, validation } = splitByGroup(rowKeys(table, { group: "customer" }), { validation: 0.2 });
 * const fitted = pipeline.fit(selectRows(table, training));
 * ```
 */
export function rowKeys(table: Table, { group, time, target }: RowKeyColumns): Splittable {
  const { ids, starts, order } = groupRows(table, group, undefined);
  const groups: GroupId[] = Array.from({ length: table.rows }, () => null);
  for (const [index, id] of ids.entries()) {
    for (const row of order.subarray(starts[index], starts[index + 1])) groups[row] = id;
  }
  const times = time === undefined ? new Float64Array(table.rows).fill(NaN) : timesOf(columnOf(table, time, "time"), time);
  if (target === undefined) return { groups, times };
  const column = columnOf(table, target, "target");
  return { groups, times, targets: column.kind === "category" ? column.codes : Array.from(column.values, String) };
}

/** A table of these rows, in this order. */
export function selectRows(table: Table, rows: ArrayLike<number>): Table {
  const indices = checked(rows, table.rows);
  const columns = Object.entries(table.columns).map(([name, column]) => [name, gather(column, indices)] as const);
  return { ...table, rows: indices.length, columns: Object.fromEntries(columns) };
}

/**
 * These samples, in this order; padded to as many steps as all are.
 *
 * @param prepared what a pipeline gave
 * @param samples their indices
 * @throws {GatewiseError} `invalid_option` for an index that there is not, `empty_data` for none
 *
 * @example
 * ```ts
 * const { training, test } = splitByTime(prepared, { test: "2011-09-16" });
 * await model.fit(subset(prepared, training));
 * ```
 */
export function subset<Given extends PreparedInputs>(prepared: Given, samples: ArrayLike<number>): Given;
export function subset(prepared: PreparedInputs & { targets?: unknown; until?: Float64Array }, samples: ArrayLike<number>): PreparedInputs {
  const [n, ...sizes] = prepared.shape;
  const indices = checked(samples, n);
  const { x, tokens, statics, lengths, groups, starts, times, targets, until } = prepared;
  return {
    ...prepared,
    shape: [indices.length, ...sizes],
    ...(x === undefined ? {} : { x: rowsOf(x, n, indices) }),
    ...(tokens === undefined ? {} : { tokens: rowsOf(tokens, n, indices) }),
    ...(statics === undefined ? {} : { statics: rowsOf(statics, n, indices) }),
    ...(targets === undefined ? {} : { targets: rowsOf(targets as unknown[], n, indices) }),
    ...(until === undefined ? {} : { until: rowsOf(until, n, indices) }),
    lengths: rowsOf(lengths, n, indices),
    starts: rowsOf(starts, n, indices),
    times: rowsOf(times, n, indices),
    groups: rowsOf(groups, n, indices),
  } as unknown as PreparedInputs;
}

/** Something that holds as many values for each of n samples. */
interface Sliceable<T> {
  readonly length: number;
  slice(from?: number, to?: number): T;
}

function rowsOf<T extends Sliceable<T>>(values: T, n: number, samples: Uint32Array): T;
function rowsOf(values: Sliceable<unknown> & Record<number, unknown>, n: number, samples: Uint32Array): unknown {
  const width = values.length / n;
  if (Array.isArray(values)) return Array.from(samples, (sample) => values[sample]);
  const all = values as unknown as Float32Array;
  const Kind = all.constructor as Float32ArrayConstructor;
  const some = new Kind(samples.length * width);
  for (let i = 0; i < samples.length; i++) {
    const sample = samples[i] as number;
    some.set(all.subarray(sample * width, (sample + 1) * width), i * width);
  }
  return some;
}

function checked(indices: ArrayLike<number>, n: number): Uint32Array {
  const list = Uint32Array.from(indices);
  if (list.length === 0) throw new GatewiseError("empty_data", "samples", "there is no index: give at least one");
  const wrong = list.findIndex((index, i) => index >= n || index !== indices[i]);
  if (wrong < 0) return list;
  throw new GatewiseError("invalid_option", `samples[${wrong}]`, `${indices[wrong]} is no index of ${n}: they count from 0 to ${n - 1}`);
}
