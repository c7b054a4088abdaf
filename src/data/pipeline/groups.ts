// Which rows belong together, in the order of time: by sorting indices, without an object a row. Knows nothing of steps.

import { GatewiseError } from "../../errors.js";
import type { Table } from "../table.js";
import { cellError, columnOf, nameOf, timesOf } from "./columns.js";

/** What a group is called: its cell, or null where all rows are one group. */
export type GroupId = string | number | null;

/** A table's rows by group, in order of first appearance, and in each by time; rows of one time in the table's order. */
export interface Grouped {
  readonly count: number;
  readonly ids: readonly GroupId[];
  /** [count + 1] Where each group begins in `order`. */
  readonly starts: Uint32Array;
  /** [rows] Rows of the table. */
  readonly order: Uint32Array;
  /** [rows] The times of `order`; undefined where there is no time. */
  readonly times: Float64Array | undefined;
}

/** Groups and orders a table. @throws {GatewiseError} `invalid_data` for a missing group or time, `empty_data` without rows */
export function groupRows(table: Table, group: string | undefined, time: string | undefined): Grouped {
  if (table.rows === 0) throw new GatewiseError("empty_data", "rows", `${nameOf(table)} has no rows`);
  const { ids, codes } = groupCodes(table, group);
  const starts = new Uint32Array(ids.length + 1);
  for (const code of codes) starts[code + 1] = (starts[code + 1] as number) + 1;
  for (let g = 0; g < ids.length; g++) starts[g + 1] = (starts[g + 1] as number) + (starts[g] as number);
  const order = new Uint32Array(table.rows);
  const next = starts.slice();
  for (let row = 0; row < codes.length; row++) {
    const g = codes[row] as number;
    const place = next[g] as number;
    order[place] = row;
    next[g] = place + 1;
  }
  const times = time === undefined ? undefined : sortByTime(table, time, starts, order);
  return { count: ids.length, ids, starts, order, times };
}

function groupCodes(table: Table, group: string | undefined): { ids: GroupId[]; codes: Int32Array } {
  if (group === undefined) return { ids: [null], codes: new Int32Array(table.rows) };
  const column = columnOf(table, group, "group");
  const missing = (row: number) => cellError(table, row, group, "it has no value: give each row its group, or leave the row out");
  // Names that no row has are no groups, nor does a group's place depend on them.
  const known = new Map<number, number>();
  const ids: GroupId[] = [];
  const keys: ArrayLike<number> = column.kind === "category" ? column.codes : column.values;
  const codes = new Int32Array(table.rows);
  for (let row = 0; row < codes.length; row++) {
    const key = keys[row] as number;
    let code = known.get(key);
    if (code === undefined) {
      if (Number.isNaN(key) || (column.kind === "category" && key < 0)) throw missing(row);
      code = ids.length;
      known.set(key, code);
      ids.push(column.kind === "category" ? (column.names[key] ?? null) : key);
    }
    codes[row] = code;
  }
  return { ids, codes };
}

/** Sorts each group's part of `order`; gives its times. */
function sortByTime(table: Table, name: string, starts: Uint32Array, order: Uint32Array): Float64Array {
  const column = timesOf(columnOf(table, name, "time"), name);
  for (let row = 0; row < column.length; row++) {
    if (Number.isNaN(column[row])) throw cellError(table, row, name, "it has no value: give each row its time, or leave the row out");
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
