// From rows in order to steps: which steps each group (at each cut-off) has, when each begins, and which rows fall into it.
// Knows nothing of what the rows hold.

import { GatewiseError } from "../../errors.js";
import type { Table } from "../table.js";
import { type Grid, gridOf, lengthOf } from "./calendar.js";
import { cellError } from "./columns.js";
import type { Definition } from "./definition.js";
import { type Grouped, firstAfter, firstNotBefore } from "./groups.js";
import { rowsWhere } from "./where.js";

/** Steps of all series, at most: some GiB of features. */
const MOST_STEPS = 2 ** 27;

/** The steps of one group, up to one cut-off where there are some; one after the other in the arrays of {@link Series}. */
export interface OneSeries {
  readonly group: number;
  readonly cutOff: number | undefined;
  /** Where its rows begin in the order of rows. */
  readonly place: number;
  /** Where its steps begin. */
  readonly offset: number;
  /** How many steps it has, those after the cut-off among them that a target needs. */
  readonly steps: number;
  /** How many of them may be read. */
  readonly inputs: number;
}

/** All steps of a table. */
export interface Series {
  readonly each: readonly OneSeries[];
  /** Steps in all. */
  readonly steps: number;
  /** [steps] When each begins, in milliseconds; NaN without times. */
  readonly times: Float64Array;
  /** [pairs] The table's rows in the order of steps; a row is in as many series as there are cut-offs after it. */
  readonly rows: Uint32Array;
  /** [steps + 1] Where each step's rows begin in `rows`. */
  readonly starts: Uint32Array;
  /** Where stretches of time begin in one series; undefined where steps are rows or times. */
  gridOf(series: OneSeries): Grid | undefined;
}

/** What of a series is known before there is room for its steps: rows `from` to `to` of the order, the stretch of the first. */
interface Plan {
  readonly group: number;
  readonly cutOff: number | undefined;
  readonly from: number;
  readonly to: number;
  readonly first: number;
  readonly steps: number;
  readonly inputs: number;
}

/**
 * The steps of a grouped table.
 *
 * @param cutOffs milliseconds; undefined for none
 * @param ahead steps after a cut-off that the target reads
 * @throws {GatewiseError} `invalid_data` where two rows have one time and each row is a step; `empty_data` without any step
 */
export function seriesOf(
  table: Table,
  grouped: Grouped,
  definition: Definition,
  cutOffs: readonly number[] | undefined,
  ahead: number,
): Series {
  const { steps, time } = definition;
  const length = lengthOf(steps.every);
  const gridAt = (cutOff: number | undefined) => (length === undefined ? undefined : gridOf(length, cutOff));
  if (steps.every === "row" && time !== undefined) refuseDuplicates(table, grouped, time);
  const begins = steps.begin && rowsWhere(table, steps.begin, "steps.begin");
  const [earliest, latest] = rangeOf(grouped.times);
  const plans: Plan[] = [];
  for (const cutOff of cutOffs ?? [undefined]) {
    const grid = gridAt(cutOff);
    for (let group = 0; group < grouped.count; group++) {
      const rows = rowsBefore(grouped, group, cutOff, begins);
      if (rows === undefined) continue;
      const range = { ...rows, end: grouped.starts[group + 1] as number };
      plans.push({ group, cutOff, ...planSteps({ range, grouped, grid, steps, earliest, latest, cutOff, ahead }) });
    }
  }
  const total = plans.reduce((sum, { steps }) => sum + steps, 0);
  if (total === 0) throw nothingToRead(definition, cutOffs);
  if (total > MOST_STEPS) {
    throw new GatewiseError("out_of_memory", "steps.every", `there would be ${total} steps: make them longer, or read less at once`);
  }
  return fillSeries(plans, grouped, total, gridAt);
}

function nothingToRead({ steps }: Definition, cutOffs: readonly number[] | undefined): GatewiseError {
  const first = cutOffs?.map((time) => new Date(time).toISOString().slice(0, 10)).join(", ");
  const before = first === undefined ? "" : ` before ${first}`;
  const what = steps.begin === undefined ? "" : " that fulfils steps.begin";
  return new GatewiseError("empty_data", "steps", `no group has a row${before}${what}: there is nothing to read`);
}

/** The places of a group's rows before the cut-off, from the first that begins it; undefined if there are none. */
function rowsBefore(grouped: Grouped, group: number, cutOff: number | undefined, begins: Uint8Array | undefined) {
  const { order, times } = grouped;
  let from = grouped.starts[group] as number;
  const end = grouped.starts[group + 1] as number;
  const to = cutOff === undefined || times === undefined ? end : firstNotBefore(times, cutOff, from, end);
  if (begins !== undefined) while (from < to && begins[order[from] as number] === 0) from++;
  return from < to ? { from, to } : undefined;
}

interface Planning {
  readonly range: { readonly from: number; readonly to: number; readonly end: number };
  readonly grouped: Grouped;
  readonly grid: Grid | undefined;
  readonly steps: Definition["steps"];
  readonly earliest: number;
  readonly latest: number;
  readonly cutOff: number | undefined;
  readonly ahead: number;
}

function planSteps({ range, grouped, grid, steps, earliest, latest, cutOff, ahead }: Planning) {
  const { from, to, end } = range;
  const { times } = grouped;
  if (grid === undefined || times === undefined) {
    const byTime = steps.every === "time" ? times : undefined;
    const count = (to: number) => (byTime ? distinctTimes(byTime, from, to) : to - from);
    const inputs = count(to);
    if (cutOff === undefined) return { from, to, first: 0, steps: inputs, inputs };
    const future = byTime ? placeAfter(byTime, to, end, ahead) : Math.min(end, to + ahead);
    return { from, to: future, first: 0, steps: count(future), inputs };
  }
  const first = grid.indexOf(steps.from === "table" ? earliest : (times[from] as number));
  if (cutOff !== undefined) {
    return { from, to: firstNotBefore(times, grid.beginOf(ahead), to, end), first, steps: ahead - first, inputs: -first };
  }
  const last = grid.indexOf(steps.until === "table" ? latest : (times[to - 1] as number));
  return { from, to, first, steps: last + 1 - first, inputs: last + 1 - first };
}

function distinctTimes(times: Float64Array, from: number, to: number): number {
  let count = 0;
  for (let place = from; place < to; place++) if (place === from || times[place] !== times[place - 1]) count++;
  return count;
}

/** The place after so many distinct times. */
function placeAfter(times: Float64Array, from: number, end: number, count: number): number {
  let place = from;
  for (let n = 0; n < count && place < end; n++) place = firstAfter(times, times[place] as number, place, end);
  return place;
}

function fillSeries(plans: readonly Plan[], grouped: Grouped, total: number, gridAt: (cutOff?: number) => Grid | undefined): Series {
  const times = new Float64Array(total).fill(NaN);
  const starts = new Uint32Array(total + 1);
  const rows = new Uint32Array(plans.reduce((sum, { from, to }) => sum + to - from, 0));
  const each: OneSeries[] = [];
  const written = { rows: 0, steps: 0 };
  for (const { group, cutOff, from, to, first, steps, inputs } of plans) {
    const grid = gridAt(cutOff);
    const offset = written.steps;
    if (grid) for (let step = 0; step < steps; step++) times[offset + step] = grid.beginOf(first + step);
    let step = offset - 1;
    for (let place = from; place < to; place++) {
      step = grid ? offset + grid.indexOf(grouped.times?.[place] as number) - first : nextStep(grouped.times, place, from, steps === to - from, step);
      if (!grid && grouped.times) times[step] = grouped.times[place] as number;
      rows[written.rows++] = grouped.order[place] as number;
      starts[step + 1] = (starts[step + 1] as number) + 1;
    }
    each.push({ group, cutOff, place: from, offset, steps, inputs });
    written.steps += steps;
  }
  for (let step = 0; step < total; step++) starts[step + 1] = (starts[step + 1] as number) + (starts[step] as number);
  return { each, steps: total, times, rows, starts, gridOf: ({ cutOff }) => gridAt(cutOff) };
}

/** The step of a row that is one, or shares one with the rows of its time. */
function nextStep(times: Float64Array | undefined, place: number, from: number, ofRows: boolean, step: number): number {
  return ofRows || place === from || times?.[place] !== times?.[place - 1] ? step + 1 : step;
}

function refuseDuplicates(table: Table, { count, ids, starts, order, times }: Grouped, name: string): void {
  if (times === undefined) return;
  for (let group = 0; group < count; group++) {
    for (let place = (starts[group] as number) + 1; place < (starts[group + 1] as number); place++) {
      if (times[place] !== times[place - 1]) continue;
      const of = ids[group] === null ? "" : ` of group ${JSON.stringify(ids[group])}`;
      const message =
        `row ${order[place - 1]}${of} has the same time: leave one out, or make one step of each time with ` +
        `steps: { every: "time" } and say in aggregate what its rows come to`;
      throw cellError(table, order[place] as number, name, message);
    }
  }
}

function rangeOf(times: Float64Array | undefined): [number, number] {
  let [least, most] = [Infinity, -Infinity];
  for (const time of times ?? []) {
    if (time < least) least = time;
    if (time > most) most = time;
  }
  return [least, most];
}
