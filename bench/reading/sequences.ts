// Rows of a table as padded sequences, one a group, in the order of time: the least that stands between a table and `fit`.

import { type Column, type Table, definePipeline } from "gatewise/data";

export interface Wanted {
  readonly group: string;
  readonly time: string;
  readonly features: readonly string[];
  /** Of a longer sequence, so many rows at its end. */
  readonly longest: number;
}

/** The same and more by a pipeline: each customer's weeks, with scaled sums and counts, and whether an order follows. */
export const weeks = definePipeline({
  group: "CustomerID",
  time: "InvoiceDate",
  where: { CustomerID: { missing: false } },
  steps: { every: "week" },
  aggregate: { lines: { count: true }, items: { sum: "Quantity" }, price: { mean: "UnitPrice" } },
  fill: { price: "zero" },
  features: [{ column: "lines", scale: "standard" }, { column: "items", scale: ["log", "standard"] }, { column: "price", scale: "robust" }],
  window: { short: "skip" },
  target: { event: { Quantity: { above: 0 } }, within: 4 },
});

/** [groups, steps, features] and the length of each; rows without a group are left out. */
export function sequencesOf({ columns, rows }: Table, { group, time, features, longest }: Wanted) {
  const groups = columns[group];
  if (groups?.kind !== "category") throw new Error(`"${group}" is no column of names`);
  const order = sorted(groups.codes, groups.names.length, valuesOf(columns[time]), rows);
  const lengths = order.counts.map((count) => Math.min(count, longest));
  const steps = lengths.reduce((most, length) => Math.max(most, length), 0);
  const x = new Float32Array(lengths.length * steps * features.length);
  for (const [feature, name] of features.entries()) {
    const values = valuesOf(columns[name]);
    for (let sequence = 0; sequence < lengths.length; sequence++) {
      const length = lengths[sequence] as number;
      const from = (order.ends[sequence] as number) - length;
      for (let step = 0; step < length; step++) {
        x[(sequence * steps + step) * features.length + feature] = values[order.rows[from + step] as number] as number;
      }
    }
  }
  return { x, shape: [lengths.length, steps, features.length] as const, lengths };
}

function valuesOf(column: Column | undefined): Float64Array {
  if (column === undefined || column.kind === "category") throw new Error("this is no column of numbers or times");
  return column.values;
}

/** Rows by group (counting sort), and within each by time; rows of one time stay in their order. */
function sorted(codes: Int32Array, groups: number, times: Float64Array, rows: number) {
  const counts = new Uint32Array(groups);
  for (const code of codes) if (code >= 0) (counts[code] as number)++;
  const ends = new Uint32Array(groups);
  for (let group = 0, end = 0; group < groups; group++) ends[group] = end += counts[group] as number;
  const next = ends.map((end, group) => end - (counts[group] as number));
  const order = new Uint32Array(ends.at(-1) ?? 0);
  for (let row = 0; row < rows; row++) {
    const code = codes[row] as number;
    if (code >= 0) order[(next[code] as number)++] = row;
  }
  for (let group = 0; group < groups; group++) {
    const own = order.subarray((ends[group] as number) - (counts[group] as number), ends[group]);
    if (own.some((row, index) => index > 0 && (times[row] as number) < (times[own[index - 1] as number] as number))) {
      own.sort((a, b) => (times[a] as number) - (times[b] as number) || a - b);
    }
  }
  return { rows: order, counts, ends };
}
