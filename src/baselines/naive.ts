// The forecasts that cost nothing, with their intervals (Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd
// ed., sections 5.2 and 5.5): residuals of one step are taken for normal and independent.

import { normalInterval } from "../metrics/distributions.js";
import { type Forecaster, INTERVAL, checkSeries, checkSteps } from "./forecaster.js";

/** What a simple forecast is made of. */
interface Simple {
  /** Steps that a series must have. */
  readonly least: number;
  /** Numbers that are learned. */
  readonly parameters: number;
  /** What is forecast for the h-th step after `series`, h from 1 on. */
  ahead(series: Float64Array, h: number): number;
  /** The errors of the same forecast, one step ahead, within the series. */
  residuals(series: Float64Array): Float64Array;
  /** The deviation of the h-th step's error, in deviations of one step's. */
  spread(h: number, length: number): number;
}

/**
 * The last number, for ever.
 *
 * @example
 * ```ts
 * const forecaster = naive();
 * await forecaster.fit(Float64Array.of(3, 5, 4), { horizon: 2 });
 * const { values } = await forecaster.predict(2); // 4, 4
 * ```
 */
export function naive(): Forecaster {
  return seasonalNaive({ season: 1 });
}

/** The number of a season ago: of the last season that is known. */
export function seasonalNaive({ season }: { readonly season: number }): Forecaster {
  checkSteps(season, "season");
  return simple({
    least: season + 1,
    parameters: 0,
    ahead: (series, h) => series[series.length - season + ((h - 1) % season)] as number,
    residuals: (series) => series.slice(season).map((value, t) => value - (series[t] as number)),
    spread: (h) => Math.sqrt(Math.floor((h - 1) / season) + 1),
  });
}

/** The line from the first number through the last. */
export function drift(): Forecaster {
  const slope = (series: Float64Array) => ((series.at(-1) as number) - (series[0] as number)) / (series.length - 1);
  return simple({
    least: 3,
    parameters: 1,
    ahead: (series, h) => (series.at(-1) as number) + h * slope(series),
    residuals: (series) => series.slice(1).map((value, t) => value - (series[t] as number) - slope(series)),
    spread: (h, length) => Math.sqrt(h * (1 + h / (length - 1))),
  });
}

/** The mean of all numbers. */
export function historicalMean(): Forecaster {
  const mean = (series: Float64Array) => series.reduce((sum, value) => sum + value, 0) / series.length;
  return simple({
    least: 2,
    parameters: 1,
    ahead: mean,
    residuals: (series) => {
      const centre = mean(series);
      return series.map((value) => value - centre);
    },
    spread: (_, length) => Math.sqrt(1 + 1 / length),
  });
}

function simple({ least, parameters, ahead, residuals, spread }: Simple): Forecaster {
  let known: Float64Array | undefined;
  return {
    parameters,
    async fit(series) {
      known = checkSeries(series, least);
    },
    async predict(steps) {
      checkSteps(steps, "steps");
      const series = checkSeries(known ?? [], least);
      const errors = residuals(series);
      const deviation = Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / (errors.length - parameters));
      const reach = normalInterval(INTERVAL) * deviation;
      const values = Float64Array.from({ length: steps }, (_, h) => ahead(series, h + 1));
      const band = (sign: number) => values.map((value, h) => value + sign * reach * spread(h + 1, series.length));
      return { values, lower: band(-1), upper: band(1) };
    },
  };
}
