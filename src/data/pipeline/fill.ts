// What stands for missing values. A series' values are filled from what came before alone: none knows the future, but for lines,
// which are drawn within what a sample may see. Knows nothing of tables.

import type { FillRule } from "./definition.js";
import type { OneSeries } from "./series.js";

/** Fills each series from its own values before; what has none before it stays missing. */
export function fillWithPrevious<Values extends Float64Array | Int32Array>(values: Values, each: readonly OneSeries[]): Values {
  const filled = values.slice() as Values;
  const isMissing = missingIn(values);
  for (const { offset, steps } of each) {
    for (let step = offset + 1; step < offset + steps; step++) {
      if (isMissing(filled[step] as number)) filled[step] = filled[step - 1] as number;
    }
  }
  return filled;
}

export function fillWithValue<Values extends Float64Array | Int32Array>(values: Values, value: number): Values {
  const filled = values.slice() as Values;
  const isMissing = missingIn(values);
  for (let step = 0; step < filled.length; step++) if (isMissing(filled[step] as number)) filled[step] = value;
  return filled;
}

/** NaN of numbers, below 0 of categories. */
function missingIn(values: Float64Array | Int32Array): (value: number) => boolean {
  return values instanceof Float64Array ? Number.isNaN : (value) => value < 0;
}

/**
 * Draws lines over the gaps from `from` to `to`, between the values around each; before the first and after the last known
 * value stands that value. Looks at nothing outside. Whether there was a known value.
 */
export function fillWithLines(values: Float64Array, from: number, to: number): boolean {
  let last = -1;
  for (let step = from; step < to; step++) {
    const value = values[step] as number;
    if (Number.isNaN(value)) continue;
    const before = last < 0 ? value : (values[last] as number);
    for (let gap = last < 0 ? from : last + 1; gap < step; gap++) {
      values[gap] = last < 0 ? value : before + ((value - before) * (gap - last)) / (step - last);
    }
    last = step;
  }
  if (last < 0) return false;
  values.fill(values[last] as number, last, to);
  return true;
}

/** The rule of a column. */
export function ruleOf(fill: FillRule | Readonly<Record<string, FillRule>>, column: string): FillRule {
  if (typeof fill === "string") return fill;
  const rules = fill as Readonly<Record<string, FillRule>>;
  return Object.hasOwn(rules, column) ? (rules[column] ?? "error") : "error";
}
