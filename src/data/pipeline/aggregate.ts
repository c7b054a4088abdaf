// What the rows of each step come to: sums, means, counts. One pass over the rows for each. Knows nothing of fills or scalers.

import { GatewiseError } from "../../errors.js";
import type { CategoryColumn, Column, Table } from "../table.js";
import { categoriesOf, cellError, columnOf, numbersOf } from "./columns.js";
import type { AggregateDefinition, Definition } from "./definition.js";
import type { Series } from "./series.js";
import { rowsWhere } from "./where.js";

/** The columns of steps, by name: those of the table where a step is a row, else what rows come to. Computed when first asked for. */
export class StepColumns {
  readonly #table: Table;
  readonly #series: Series;
  readonly #definition: Definition;
  readonly #known = new Map<string, Column>();

  constructor(table: Table, series: Series, definition: Definition) {
    this.#table = table;
    this.#series = series;
    this.#definition = definition;
  }

  /** [steps] `wanted` is the definition's field that names it. */
  of(name: string, wanted: string): Column {
    const known = this.#known.get(name) ?? this.#compute(name, wanted);
    this.#known.set(name, known);
    return known;
  }

  #compute(name: string, wanted: string): Column {
    const { aggregate } = this.#definition;
    if (aggregate === undefined) return gather(columnOf(this.#table, name, wanted), this.#series.rows);
    const what = Object.hasOwn(aggregate, name) ? aggregate[name] : undefined;
    if (what !== undefined) return aggregated(this.#table, this.#series, what, `aggregate.${name}`);
    const known = Object.keys(aggregate).map((name) => `"${name}"`).join(", ");
    const message = `${wanted} names "${name}", which aggregate does not have: say there what the rows of a step come to (it has ${known})`;
    throw new GatewiseError("invalid_option", wanted, message);
  }
}

/** A column's cells of these rows. */
export function gather(column: Column, rows: Uint32Array): Column {
  if (column.kind === "category") {
    const codes = new Int32Array(rows.length);
    for (let i = 0; i < codes.length; i++) codes[i] = column.codes[rows[i] as number] as number;
    return { kind: "category", codes, names: column.names };
  }
  const values = new Float64Array(rows.length);
  for (let i = 0; i < values.length; i++) values[i] = column.values[rows[i] as number] as number;
  return { kind: column.kind, values };
}

function aggregated(table: Table, series: Series, what: AggregateDefinition, path: string): Column {
  const counts = what.where ? rowsWhere(table, what.where, `${path}.where`) : undefined;
  const { count, sum, mean, min, max, first, last, distinct, missing = "error" } = what;
  const read = (name: string): Numbers => ({
    values: numbersOf(columnOf(table, name, path), name, path),
    missing: missing === "skip" ? undefined : (row) => cellError(table, row, name, NO_NUMBER, "not_finite"),
  });
  if (count) return numbers(countRows(series, counts));
  if (sum !== undefined) return numbers(sumRows(series, counts, read(sum), 0).sums);
  if (mean !== undefined) return numbers(meanOf(series, counts, read(mean)));
  if (min !== undefined) return numbers(extreme(series, counts, read(min), -1));
  if (max !== undefined) return numbers(extreme(series, counts, read(max), 1));
  if (distinct !== undefined) return numbers(countDistinct(series, counts, categoriesOf(columnOf(table, distinct, path))));
  return picked(series, counts, columnOf(table, (first ?? last) as string, path), first === undefined);
}

const NO_NUMBER = `it has no value: leave the row out with where, or say missing: "skip"`;

/** A column of the table. */
interface Numbers {
  readonly values: Float64Array;
  /** The error of a row that lacks its number; undefined where such a row is to be skipped. */
  readonly missing: ((row: number) => Error) | undefined;
}

function numbers(values: Float64Array): Column {
  return { kind: "number", values };
}

function countRows({ steps, starts, rows }: Series, counts: Uint8Array | undefined): Float64Array {
  const result = new Float64Array(steps);
  for (let step = 0; step < steps; step++) {
    const [from, to] = [starts[step] as number, starts[step + 1] as number];
    let count = counts ? 0 : to - from;
    if (counts) for (let i = from; i < to; i++) count += counts[rows[i] as number] as number;
    result[step] = count;
  }
  return result;
}

/** `nothing` is the sum where there is no term. */
function sumRows({ steps, starts, rows }: Series, counts: Uint8Array | undefined, { values, missing }: Numbers, nothing: number) {
  const sums = new Float64Array(steps);
  const terms = new Uint32Array(steps);
  for (let step = 0; step < steps; step++) {
    let [sum, n] = [0, 0];
    for (let i = starts[step] as number; i < (starts[step + 1] as number); i++) {
      const row = rows[i] as number;
      if (counts !== undefined && counts[row] === 0) continue;
      const value = values[row] as number;
      if (Number.isNaN(value) && missing) throw missing(row);
      if (Number.isNaN(value)) continue;
      sum += value;
      n++;
    }
    sums[step] = n === 0 ? nothing : sum;
    terms[step] = n;
  }
  return { sums, terms };
}

function meanOf(series: Series, counts: Uint8Array | undefined, column: Numbers): Float64Array {
  const { sums, terms } = sumRows(series, counts, column, NaN);
  for (let step = 0; step < sums.length; step++) sums[step] = (sums[step] as number) / (terms[step] as number);
  return sums;
}

/** The largest value, or with `sign` −1 the smallest; NaN where there is none. */
function extreme({ steps, starts, rows }: Series, counts: Uint8Array | undefined, { values, missing }: Numbers, sign: 1 | -1): Float64Array {
  const result = new Float64Array(steps);
  for (let step = 0; step < steps; step++) {
    let most = -Infinity;
    for (let i = starts[step] as number; i < (starts[step + 1] as number); i++) {
      const row = rows[i] as number;
      if (counts !== undefined && counts[row] === 0) continue;
      const value = sign * (values[row] as number);
      if (missing && Number.isNaN(value)) throw missing(row);
      if (value > most) most = value;
    }
    result[step] = most === -Infinity ? NaN : sign * most;
  }
  return result;
}

function countDistinct({ steps, starts, rows }: Series, counts: Uint8Array | undefined, column: CategoryColumn): Float64Array {
  const result = new Float64Array(steps);
  // The step that saw each category last, from 1.
  const seen = new Uint32Array(column.names.length);
  for (let step = 0; step < steps; step++) {
    let count = 0;
    for (let i = starts[step] as number; i < (starts[step + 1] as number); i++) {
      const row = rows[i] as number;
      const code = column.codes[row] as number;
      if (code < 0 || seen[code] === step + 1 || (counts && counts[row] === 0)) continue;
      seen[code] = step + 1;
      count++;
    }
    result[step] = count;
  }
  return result;
}

/** The first or the last cell of each step that is not missing. */
function picked({ steps, starts, rows }: Series, counts: Uint8Array | undefined, column: Column, last: boolean): Column {
  const cells: Int32Array | Float64Array = column.kind === "category" ? column.codes : column.values;
  const missing = column.kind === "category" ? -1 : NaN;
  const result = column.kind === "category" ? new Int32Array(steps) : new Float64Array(steps);
  for (let step = 0; step < steps; step++) {
    let found = missing;
    for (let i = starts[step] as number; i < (starts[step + 1] as number); i++) {
      const row = rows[i] as number;
      const cell = cells[row] as number;
      if ((counts && counts[row] === 0) || Number.isNaN(cell) || (column.kind === "category" && cell < 0)) continue;
      found = cell;
      if (!last) break;
    }
    result[step] = found;
  }
  if (column.kind === "category") return { kind: "category", codes: result as Int32Array, names: column.names };
  return { kind: column.kind, values: result as Float64Array };
}
