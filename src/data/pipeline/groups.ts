// Which rows belong together, in the order of time: by sorting indices, without an object a row. Knows nothing of steps.

import { GatewiseError } from "../../errors.js";
import type { Table } from "../table.js";
import { cellError, columnOf, nameOf, timesOf } from "./columns.js";

/** What a group is called: its cell, or null where all rows are one group. */
export type GroupId = string | number | null;

/** A table's rows that count by group, in order of first appearance, and in each by time; rows of one time in the table's order. */
export interface Grouped {
  readonly count: number;
  readonly ids: readonly GroupId[];
  /** [count + 1] Where each group begins in `order`. */
  readonly starts: Uint32Array;
  /** [rows that count] Rows of the table. */
  readonly order: Uint32Array;
  /** [rows that count] The times of `order`; undefined where there is no time. */
  readonly times: Float64Array | undefined;
}

/**
 * Groups and orders a table.
 *
 * @param counts [rows] 1 for the rows that count; all of them if undefined
 * @throws {GatewiseError} `invalid_data` for a missing group or time, `empty_data` without rows
 */
export function groupRows(table: Table, group: string | undefined, time: string | undefined, counts?: Uint8Array): Grouped {
  if (table.rows === 0) throw new GatewiseError("empty_data", "rows", `${nameOf(table)} has no rows`);
  const { ids, codes } = groupCodes(table, group, counts);
  if (ids.length === 0) throw new GatewiseError("empty_data", "where", `no row of ${nameOf(table)} fulfils where`);
  const starts = new Uint32Array(ids.length + 1);
  for (let row = 0; row < codes.length; row++) {
    const code = codes[row] as number;
    if (code >= 0) starts[code + 1] = (starts[code + 1] as number) + 1;
  }
  for (let g = 0; g < ids.length; g++) starts[g + 1] = (starts[g + 1] as number) + (starts[g] as number);
  const order = new Uint32Array(starts[ids.length] as number);
  const next = starts.slice();
  for (let row = 0; row < codes.length; row++) {
    const code = codes[row] as number;
    if (code < 0) continue;
    const place = next[code] as number;
    order[place] = row;
    next[code] = place + 1;
  }
  const times = time === undefined ? undefined : sortByTime(table, time, starts, order);
  return { count: ids.length, ids, starts, order, times };
}

/** [rows] The group of each row, below 0 for rows that do not count; groups by the order of their first rows. */
function groupCodes(table: Table, group: string | undefined, counts: Uint8Array | undefined): { ids: GroupId[]; codes: Int32Array } {
  const codes = new Int32Array(table.rows);
  if (group === undefined) {
    if (counts) for (let row = 0; row < codes.length; row++) codes[row] = (counts[row] as number) - 1;
    return { ids: codes.includes(0) ? [null] : [], codes };
  }
  const column = columnOf(table, group, "group");
  const known = new Map<number, number>();
  const ids: GroupId[] = [];
  const keys: ArrayLike<number> = column.kind === "category" ? column.codes : column.values;
  const isMissing = (key: number) => Number.isNaN(key) || (column.kind === "category" && key < 0);
  for (let row = 0; row < codes.length; row++) {
    const key = keys[row] as number;
    let code = counts === undefined || counts[row] === 1 ? known.get(key) : -1;
    if (code === undefined) {
      if (isMissing(key)) throw cellError(table, row, group, NO_GROUP);
      code = ids.length;
      known.set(key, code);
      ids.push(column.kind === "category" ? (column.names[key] ?? null) : key);
    }
    codes[row] = code;
  }
  return { ids, codes };
}

const NO_GROUP = "it has no value: give each row its group, or leave such rows out with where: { column: { missing: false } }";

/** Sorts each group's part of `order`; gives its times. */
function sortByTime(table: Table, name: string, starts: Uint32Array, order: Uint32Array): Float64Array {
  const column = timesOf(columnOf(table, name, "time"), name);
  for (const row of order) {
    if (Number.isNaN(column[row])) throw cellError(table, row, name, "it has no value: give each row its time, or leave such rows out with where");
  }
  for (let g = 0; g + 1 < starts.length; g++) {
    const [from, to] = [starts[g] as number, starts[g + 1] as number];
    if (!isSorted(column, order, from, to)) {
      order.subarray(from, to).sort((a, b) => (column[a] as number) - (column[b] as number) || a - b);
    }
  }
  const times = new Float64Array(order.length);
  for (let place = 0; place < order.length; place++) times[place] = column[order[place] as number] as number;
  return times;
}

function isSorted(column: Float64Array, order: Uint32Array, from: number, to: number): boolean {
  for (let place = from + 1; place < to; place++) {
    if ((column[order[place] as number] as number) < (column[order[place - 1] as number] as number)) return false;
  }
  return true;
}

/** The first place from `from` on whose time is not before `time`; `to` if there is none. */
export function firstNotBefore(times: Float64Array, time: number, from: number, to: number): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] as number) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The first place from `from` on whose time is after `time`; `to` if there is none. */
export function firstAfter(times: Float64Array, time: number, from: number, to: number): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] as number) <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}
