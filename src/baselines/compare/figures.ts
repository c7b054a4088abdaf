// From predictions to figures, and to the curves that reports draw. Knows nothing of who predicted.

import {
  accuracy,
  averagePrecision,
  balancedAccuracy,
  calibrationError,
  confusionMatrix,
  f1,
  logLoss,
  meanAbsoluteError,
  meanAbsolutePercentageError,
  meanAbsoluteScaledError,
  pinballLoss,
  rocAuc,
  rocCurve,
  rootMeanSquaredError,
  symmetricMeanAbsolutePercentageError,
} from "../../metrics/index.js";
import type { ClassGuess } from "../classifier.js";
import { INTERVAL } from "../forecaster.js";
import type { ClassificationFigures, ClassificationRun, ForecastFigures, OriginForecast } from "./types.js";

/** The bins of the calibration error, Guo et al.'s. */
const BINS = 15;

/** Points of a ROC curve that are kept: more than a picture shows. */
const ROC_POINTS = 200;

export function classificationFigures(
  truth: readonly string[],
  guesses: readonly ClassGuess[],
  classes: readonly string[],
  positive: string | null,
): ClassificationFigures {
  const labels = guesses.map(({ label }) => label);
  const rows = probabilityRows(guesses, classes);
  const confident = rows && {
    right: truth.map((name, n) => name === labels[n]),
    by: rows.map((row, n) => row[classes.indexOf(labels[n] as string)] as number),
  };
  return {
    accuracy: accuracy(truth, labels),
    balancedAccuracy: balancedAccuracy(truth, labels),
    f1: positive === null ? f1(truth, labels, { average: "macro" }) : f1(truth, labels, { positive }),
    auc: overClasses(truth, rows, classes, positive, rocAuc),
    averagePrecision: overClasses(truth, rows, classes, positive, averagePrecision),
    logLoss: rows && logLoss(truth, rows, { classes }),
    // Softmax in f32 may be 1 + 1e-7.
    calibrationError: confident && calibrationError(confident.right, confident.by.map((p) => Math.min(1, p)), { bins: BINS }),
  };
}

/** Of the positive class, or the mean over all; null where a class has every test sample, or none. */
function overClasses(
  truth: readonly string[],
  rows: readonly (readonly number[])[] | null,
  classes: readonly string[],
  positive: string | null,
  metric: (truth: readonly boolean[], scores: readonly number[]) => number,
): number | null {
  if (!rows) return null;
  const counted = positive === null ? classes : [positive];
  if (!counted.every((name) => truth.includes(name) && truth.some((other) => other !== name))) return null;
  const values = counted.map((name) => metric(truth.map((other) => other === name), columnOf(rows, classes.indexOf(name))));
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** [n][classes]; null where a guess has no probabilities. A class that an entrant does not know has none. */
function probabilityRows(guesses: readonly ClassGuess[], classes: readonly string[]): number[][] | null {
  const rows = guesses.map(({ probabilities }) => probabilities && classes.map((name) => probabilities[name] ?? 0));
  return rows.every((row) => row !== null) ? rows : null;
}

function columnOf(rows: readonly (readonly number[])[], column: number): number[] {
  return rows.map((row) => row[column] as number);
}

export function confusionOf(truth: readonly string[], guesses: readonly ClassGuess[], classes: readonly string[]): readonly (readonly number[])[] {
  return confusionMatrix(truth, guesses.map(({ label }) => label), { classes }).counts;
}

export function rocsOf(
  truth: readonly string[],
  guesses: readonly ClassGuess[],
  classes: readonly string[],
  positive: string | null,
): ClassificationRun["roc"] {
  const rows = probabilityRows(guesses, classes);
  if (!rows) return null;
  const drawn = (positive === null ? classes : [positive]).filter((name) => truth.includes(name) && truth.some((other) => other !== name));
  return drawn.map((name) => {
    const curve = rocCurve(truth.map((other) => other === name), columnOf(rows, classes.indexOf(name)));
    const every = Math.ceil(curve.length / ROC_POINTS);
    const kept = curve.filter((_, n) => n % every === 0 || n === curve.length - 1);
    return { class: name, points: kept.map((point) => [rounded(point.falsePositiveRate), rounded(point.truePositiveRate)] as const) };
  });
}

/** Far finer than a picture. */
function rounded(rate: number): number {
  return Math.round(rate * 1e5) / 1e5;
}

/** Figures over all origins: every step counts alike, but for MASE, which is the mean of the origins'. */
export function forecastFigures(series: Float64Array, forecasts: readonly OriginForecast[], season: number): ForecastFigures {
  const truth = forecasts.flatMap(({ origin, values }) => [...series.subarray(origin, origin + values.length)]);
  const predicted = forecasts.flatMap(({ values }) => values);
  return {
    mae: meanAbsoluteError(truth, predicted),
    rmse: rootMeanSquaredError(truth, predicted),
    mape: truth.includes(0) ? null : meanAbsolutePercentageError(truth, predicted),
    smape: symmetricMeanAbsolutePercentageError(truth, predicted),
    mase: meanScaledError(series, forecasts, season),
    ...intervalFigures(truth, predicted, forecasts),
  };
}

function meanScaledError(series: Float64Array, forecasts: readonly OriginForecast[], season: number): number | null {
  let sum = 0;
  for (const { origin, values } of forecasts) {
    const training = series.subarray(0, origin);
    if (origin <= season || training.every((value, t) => t < season || value === training[t - season])) return null;
    sum += meanAbsoluteScaledError(series.subarray(origin, origin + values.length), values, { training, season });
  }
  return sum / forecasts.length;
}

function intervalFigures(
  truth: readonly number[],
  middle: readonly number[],
  forecasts: readonly OriginForecast[],
): Pick<ForecastFigures, "pinball" | "coverage"> {
  if (forecasts.some(({ lower, upper }) => !lower || !upper)) return { pinball: null, coverage: null };
  const [lower, upper] = [forecasts.flatMap(({ lower }) => lower ?? []), forecasts.flatMap(({ upper }) => upper ?? [])];
  const tail = (1 - INTERVAL) / 2;
  const losses = [
    pinballLoss(truth, lower, { quantile: tail }),
    pinballLoss(truth, middle, { quantile: 0.5 }),
    pinballLoss(truth, upper, { quantile: 1 - tail }),
  ];
  const within = truth.filter((value, n) => value >= (lower[n] as number) && value <= (upper[n] as number)).length;
  return { pinball: losses.reduce((sum, loss) => sum + loss, 0) / losses.length, coverage: within / truth.length };
}
