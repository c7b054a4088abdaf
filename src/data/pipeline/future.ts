// How far a target looks beyond its sample's end, and whether the table reaches so far. Knows nothing of classes and values.

import { GatewiseError } from "../../errors.js";
import { later, lengthOfDuration } from "./calendar.js";
import type { TargetDefinition } from "./definition.js";
import { type Grouped, firstAfter, firstNotBefore } from "./groups.js";
import type { OneSeries, Series } from "./series.js";

/** How many steps after its end a target reads; 0 where it counts in time, or does not look ahead. */
export function stepsAhead(target: TargetDefinition | undefined): number {
  if (target?.values !== undefined) return target.horizon + target.steps - 1;
  return typeof target?.within === "number" ? target.within : 0;
}

/** Looks from the ends of samples into a table's future. */
export class Future {
  readonly #target: TargetDefinition | undefined;
  readonly #grouped: Grouped;
  readonly #series: Series;
  readonly #latest: number;

  /** `knownUntil`: until when the table is complete, where that is later than its last row. */
  constructor(target: TargetDefinition | undefined, grouped: Grouped, series: Series, knownUntil: number) {
    this.#target = target;
    this.#grouped = grouped;
    this.#series = series;
    this.#latest = (grouped.times ?? new Float64Array(0)).reduce((a, b) => Math.max(a, b), knownUntil);
  }

  /** When the first `steps` of a series have ended: the end of a stretch of time, or the last row's time. NaN without times. */
  endOf(one: OneSeries, steps: number): number {
    const { times } = this.#series;
    const grid = this.#series.gridOf(one);
    if (grid === undefined) return one.cutOff ?? (times[one.offset + steps - 1] as number);
    return grid.beginOf(grid.indexOf(times[one.offset] as number) + steps);
  }

  /** Until when the target looks of a sample that ends after so many steps. */
  untilOf(one: OneSeries, steps: number): number {
    const { within } = this.#target ?? {};
    const end = this.endOf(one, steps);
    if (typeof within === "object") return later(end, lengthOfDuration(within));
    const ahead = stepsAhead(this.#target);
    if (ahead === 0) return end;
    if (this.#series.gridOf(one) !== undefined) return this.endOf(one, steps + ahead);
    return this.#series.times[one.offset + Math.min(one.steps, steps + ahead) - 1] as number;
  }

  /** Whether the table has all that the target looks at. @throws {GatewiseError} `invalid_target` where a cut-off is too late */
  isKnown(one: OneSeries, steps: number): boolean {
    const { within } = this.#target ?? {};
    const ahead = stepsAhead(this.#target);
    if (ahead === 0 && typeof within !== "object") return true;
    const grid = this.#series.gridOf(one);
    if (one.cutOff === undefined) {
      if (ahead > 0) return steps + ahead <= one.steps;
      const end = grid ? this.endOf(one, one.steps) : (this.#grouped.times?.[(this.#grouped.starts[one.group + 1] as number) - 1] ?? NaN);
      return this.untilOf(one, steps) <= end;
    }
    if (grid === undefined && ahead > 0) return steps + ahead <= one.steps;
    const until = this.untilOf(one, steps);
    if (until <= this.#latest) return true;
    const [cutOff, wanted, last] = [one.cutOff, until, this.#latest].map((time) => new Date(time).toISOString().slice(0, 16));
    const message =
      `the targets of the cut-off ${cutOff} look ahead until ${wanted}, and the table is known until ${last}: ` +
      "give an earlier cut-off, or say knownUntil";
    throw new GatewiseError("invalid_target", "steps.cutOffs", message);
  }

  /** The places, in the order of rows, that come after a sample's end and before its target's. */
  placesAfter(one: OneSeries, steps: number): readonly [from: number, to: number] {
    const { times } = this.#grouped;
    const { starts } = this.#series;
    const { within } = this.#target ?? {};
    const placeAfter = (steps: number) => one.place + (starts[one.offset + steps] as number) - (starts[one.offset] as number);
    const [from, end] = [placeAfter(steps), this.#grouped.starts[one.group + 1] as number];
    const inStretches = this.#series.gridOf(one) !== undefined;
    if (times === undefined || (!inStretches && typeof within !== "object")) {
      return [from, placeAfter(Math.min(one.steps, steps + stepsAhead(this.#target)))];
    }
    // What ends with a row looks until a moment, that one included; what ends with a stretch of time until the next one begins.
    const firstBeyond = inStretches || one.cutOff !== undefined ? firstNotBefore : firstAfter;
    return [from, firstBeyond(times, this.untilOf(one, steps), from, end)];
  }
}
