// What every way of forecasting a series has to offer to be compared. Types, and what is checked of series.

import { GatewiseError } from "../errors.js";
import { type Numbers, assertArray, assertFinite, at } from "../metrics/check.js";
import type { EpochLosses, WorkOptions } from "./classifier.js";

/** What `predict` gives, step by step from the first after the series. */
export interface Forecast {
  readonly values: Float64Array;
  /** The interval that {@link INTERVAL} of what comes should lie in; null from what has none. */
  readonly lower: Float64Array | null;
  readonly upper: Float64Array | null;
}

/** What forecasters are told before they learn. */
export interface ForecasterOptions extends WorkOptions {
  /** How many steps ahead will be asked for at most. */
  readonly horizon: number;
}

/** A way of forecasting: learns from a series, then says how it goes on. Anything with these two methods can be compared. */
export interface Forecaster {
  /**
   * Learns; what was learned before is forgotten.
   *
   * @param series [steps] at equal distances, the oldest first
   */
  fit(series: Float64Array, options: ForecasterOptions): Promise<void>;
  /**
   * The steps after the series.
   *
   * @param steps up to the horizon
   */
  predict(steps: number): Promise<Forecast>;
  /** Numbers that were learned, null where that is not known. Known after `fit`. */
  readonly parameters: number | null;
  /** Of each pass over the training data, where there are passes. Known after `fit`. */
  readonly epochs?: readonly EpochLosses[] | undefined;
  /** What is to be known of how it was fitted, as data. Known after `fit`. */
  readonly settings?: object | undefined;
  /** Gives back what `fit` holds. */
  dispose?(): void;
}

/** The part of what comes that intervals should hold: from the quantile 0.1 to 0.9. */
export const INTERVAL = 0.8;

/** A series in doubles. @throws {GatewiseError} `invalid_option`, `not_finite`, `empty_data` where it has fewer steps than `least` */
export function checkSeries(series: Numbers, least: number, path = "series"): Float64Array {
  assertArray(series, path);
  assertFinite(series, path);
  if (series.length >= least) return Float64Array.from(series);
  const message = `${path} has ${series.length} steps: this takes ${least} at least`;
  throw new GatewiseError("empty_data", path, message);
}

/** A whole number of steps from 1 on. @throws {GatewiseError} `invalid_option` */
export function checkSteps(steps: number, path: string): number {
  if (Number.isInteger(steps) && steps >= 1) return steps;
  throw new GatewiseError("invalid_option", path, `${path} is ${String(steps)}: give a whole number of steps from 1 on`);
}

/**
 * A forecaster that sees the series' natural logarithm and whose forecasts are taken back. The middle and the ends of an
 * interval stay what they were; a mean becomes a median.
 *
 * @throws {GatewiseError} from `fit`, `invalid_option` where a number is not above 0
 */
export function onLogarithm(inner: Forecaster): Forecaster {
  return {
    get parameters() {
      return inner.parameters;
    },
    get epochs() {
      return inner.epochs;
    },
    get settings() {
      return inner.settings;
    },
    async fit(series, options) {
      const low = series.findIndex((value) => !(value > 0));
      if (low >= 0) {
        const message = `series[${low}] is ${at(series, low)}, which has no logarithm: give numbers above 0, or no transformation`;
        throw new GatewiseError("invalid_option", `series[${low}]`, message);
      }
      await inner.fit(series.map(Math.log), options);
    },
    async predict(steps) {
      const { values, lower, upper } = await inner.predict(steps);
      return { values: values.map(Math.exp), lower: lower?.map(Math.exp) ?? null, upper: upper?.map(Math.exp) ?? null };
    },
    dispose() {
      inner.dispose?.();
    },
  };
}
