// How far forecasts are from what came. Knows nothing of what forecast them.

import { GatewiseError } from "../errors.js";
import { type Numbers, type Weighted, assertArray, assertFinite, at, samplesIn, weightedMean, weightsOf } from "./check.js";

/**
 * The mean absolute error; `mean_absolute_error` in scikit-learn.
 *
 * @param truth [n] what came
 * @param predicted [n] what was forecast
 * @throws {GatewiseError} `shape_mismatch`, `empty_data`, `not_finite`, `invalid_option`
 */
export function meanAbsoluteError(truth: Numbers, predicted: Numbers, options: Weighted = {}): number {
  return meanOf(truth, predicted, options, (y, f) => Math.abs(y - f));
}

/**
 * The root of the mean squared error; `root_mean_squared_error` in scikit-learn.
 *
 * @param truth [n] what came
 * @param predicted [n] what was forecast
 * @throws {GatewiseError} as {@link meanAbsoluteError}
 */
export function rootMeanSquaredError(truth: Numbers, predicted: Numbers, options: Weighted = {}): number {
  return Math.sqrt(meanOf(truth, predicted, options, (y, f) => (y - f) ** 2));
}

/**
 * The mean absolute percentage error as a part of 1, |y − f| / |y|: 0.029 is 2.9 %. `mean_absolute_percentage_error` in
 * scikit-learn, but for a truth of 0, of which this has no value.
 *
 * @param truth [n] what came; never 0
 * @param predicted [n] what was forecast
 * @throws {GatewiseError} `invalid_target` where truth is 0; else as {@link meanAbsoluteError}
 *
 * @example
 * ```ts
 * meanAbsolutePercentageError([100, 200], [90, 210]); // (0.1 + 0.05) / 2 = 0.075
 * ```
 */
export function meanAbsolutePercentageError(truth: Numbers, predicted: Numbers, options: Weighted = {}): number {
  const zero = Array.from(truth).indexOf(0);
  if (zero >= 0) {
    const message = `truth[${zero}] is 0, of which no error is a percentage: take MASE or sMAPE`;
    throw new GatewiseError("invalid_target", `truth[${zero}]`, message);
  }
  return meanOf(truth, predicted, options, (y, f) => Math.abs((y - f) / y));
}

/**
 * The symmetric mean absolute percentage error as a part of 1, from 0 to 2: 2 |y − f| / (|y| + |f|), and 0 where both are 0
 * (Makridakis 1993; the M3 and M4 competitions).
 *
 * @param truth [n] what came
 * @param predicted [n] what was forecast
 * @throws {GatewiseError} as {@link meanAbsoluteError}
 */
export function symmetricMeanAbsolutePercentageError(truth: Numbers, predicted: Numbers, options: Weighted = {}): number {
  return meanOf(truth, predicted, options, (y, f) => (y === f ? 0 : (2 * Math.abs(y - f)) / (Math.abs(y) + Math.abs(f))));
}

/**
 * The mean absolute scaled error: MAE over that of the seasonal naive forecast, one step ahead, within the training part. Below
 * 1 is better than that (Hyndman and Koehler 2006, International Journal of Forecasting 22, 679-688).
 *
 * @param truth [n] what came
 * @param predicted [n] what was forecast
 * @param options `training`: the series that was learned from; `season`: its steps, 1 unless given
 * @throws {GatewiseError} `invalid_target` where the training part is no longer than a season, or repeats it exactly; else as
 * {@link meanAbsoluteError}
 *
 * @example
 * ```ts
 * meanAbsoluteScaledError([12, 14], [11, 12], { training: [8, 9, 11, 10] }); // 1.5 / (4 / 3) = 1.125
 * ```
 */
export function meanAbsoluteScaledError(
  truth: Numbers,
  predicted: Numbers,
  options: Weighted & { readonly training: Numbers; readonly season?: number | undefined },
): number {
  return meanAbsoluteError(truth, predicted, options) / naiveError(options.training, options.season ?? 1);
}

function naiveError(training: Numbers, season: number): number {
  assertArray(training, "training");
  assertFinite(training, "training");
  if (!Number.isInteger(season) || season < 1) {
    throw new GatewiseError("invalid_option", "season", `season is ${String(season)}: give a whole number of steps from 1 on`);
  }
  if (training.length <= season) {
    const message = `the training part has ${training.length} steps, a season ${season}: it must be longer than that`;
    throw new GatewiseError("invalid_target", "training", message);
  }
  let sum = 0;
  for (let t = season; t < training.length; t++) sum += Math.abs(at(training, t) - at(training, t - season));
  if (sum > 0) return sum / (training.length - season);
  throw new GatewiseError("invalid_target", "training", "the training part repeats its season exactly: no error can be scaled by that");
}

/**
 * The pinball loss of a quantile: α (y − f) where y is above f, else (1 − α) (f − y); `mean_pinball_loss` in scikit-learn
 * (Koenker and Bassett 1978).
 *
 * @param truth [n] what came
 * @param predicted [n] the quantile that was forecast
 * @param options `quantile`: α, between 0 and 1
 * @throws {GatewiseError} as {@link meanAbsoluteError}
 */
export function pinballLoss(truth: Numbers, predicted: Numbers, options: Weighted & { readonly quantile: number }): number {
  const { quantile } = options;
  if (!(quantile >= 0 && quantile <= 1)) {
    throw new GatewiseError("invalid_option", "quantile", `quantile is ${String(quantile)}: give a number between 0 and 1`);
  }
  return meanOf(truth, predicted, options, (y, f) => (y >= f ? quantile * (y - f) : (1 - quantile) * (f - y)));
}

function meanOf(truth: Numbers, predicted: Numbers, options: Weighted, loss: (y: number, f: number) => number): number {
  const n = samplesIn(truth, predicted);
  assertFinite(truth, "truth");
  assertFinite(predicted, "predicted");
  const losses = Float64Array.from(truth, (y, i) => loss(y, at(predicted, i)));
  return weightedMean(losses, weightsOf(options.weights, n));
}
