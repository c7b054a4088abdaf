// Whether two ways of predicting differ by more than chance, from what both said of the same samples. Knows nothing of what
// predicted.

import { GatewiseError } from "../errors.js";
import { type Numbers, type Positives, assertArray, assertFinite, at, positivesOf, samplesIn } from "./check.js";
import { fairCoin, normalTwoSided, studentTwoSided } from "./distributions.js";

/** What McNemar's test says. */
export interface McNemarResult {
  /** Samples that the first alone got right. */
  readonly onlyFirst: number;
  /** Samples that the second alone got right. */
  readonly onlySecond: number;
  /** Two-sided, of the exact conditional test: the discordant samples as throws of a fair coin. */
  readonly exact: number;
  /** Two-sided mid-p: twice the one-sided probability, what was just seen counted half. Less timid, and hardly ever too bold. */
  readonly midP: number;
}

/**
 * McNemar's test of two classifiers by the samples that only one of them got right (McNemar 1947; the exact and the mid-p form
 * as in Fagerland, Lydersen and Laake 2013, BMC Medical Research Methodology 13:91).
 *
 * @param first [n] whether the first got each sample right
 * @param second [n] whether the second did
 * @throws {GatewiseError} `shape_mismatch`, `empty_data`, `invalid_target`, `invalid_option`
 *
 * @example
 * ```ts
 * const { midP } = mcNemar(truth.map((t, n) => t === a[n]), truth.map((t, n) => t === b[n]));
 * ```
 */
export function mcNemar(first: Positives, second: Positives): McNemarResult {
  samplesIn(first, second, "second");
  const [a, b] = [positivesOf(first), positivesOf(second)];
  const onlyFirst = a.filter((right, n) => right > at(b, n)).length;
  const onlySecond = a.filter((right, n) => right < at(b, n)).length;
  const discordant = onlyFirst + onlySecond;
  if (discordant === 0) return { onlyFirst, onlySecond, exact: 1, midP: 1 };
  const { atMost, exactly } = fairCoin(Math.min(onlyFirst, onlySecond), discordant);
  return { onlyFirst, onlySecond, exact: Math.min(1, 2 * atMost), midP: Math.min(1, 2 * atMost - exactly) };
}

/** What the test of Diebold and Mariano says. */
export interface DieboldMarianoResult {
  /** The mean of the first's losses less the second's: below 0, the first is better. */
  readonly difference: number;
  /** The corrected statistic, to be held to Student's t with n − 1 degrees of freedom. */
  readonly statistic: number;
  /** Two-sided. */
  readonly pValue: number;
  /** How the autocovariances were weighed; `"bartlett"` where all alike gave a variance of zero or less. */
  readonly kernel: "rectangular" | "bartlett";
}

/**
 * The test of Diebold and Mariano (1995) whether two forecasts' losses differ, with the small-sample correction of Harvey,
 * Leybourne and Newbold (1997, International Journal of Forecasting 13, 281-291).
 *
 * @param first [n] the first's losses, in order of time: squared or absolute errors, or any other
 * @param second [n] the second's, of the same forecasts
 * @param options `horizon`: for how many steps ahead the forecasts are, so that losses of forecasts up to horizon − 1 apart
 * may hang together; 1 unless given
 * @throws {GatewiseError} `invalid_option` where the horizon is not below the number of losses; `empty_data` with fewer than
 * two; `shape_mismatch`, `not_finite`
 *
 * @example
 * ```ts
 * const { pValue } = dieboldMariano(errorsOfA.map((e) => e ** 2), errorsOfB.map((e) => e ** 2), { horizon: 12 });
 * ```
 */
export function dieboldMariano(first: Numbers, second: Numbers, options: { readonly horizon?: number | undefined } = {}): DieboldMarianoResult {
  const n = samplesIn(first, second, "second");
  assertFinite(first, "first");
  assertFinite(second, "second");
  const { horizon = 1 } = options;
  if (n < 2) throw new GatewiseError("empty_data", "first", "there is one loss alone: a test takes two at least");
  if (!Number.isInteger(horizon) || horizon < 1 || horizon >= n) {
    const message = `horizon is ${String(horizon)}: give a whole number from 1 to ${n - 1}, one less than there are losses`;
    throw new GatewiseError("invalid_option", "horizon", message);
  }
  const differences = Float64Array.from(first, (loss, i) => loss - at(second, i));
  const difference = mean(differences);
  const centred = differences.map((d) => d - difference);
  if (differences.every((d) => d === 0)) return { difference: 0, statistic: 0, pValue: 1, kernel: "rectangular" };
  const plain = longRunVariance(centred, horizon, () => 1);
  const kernel = plain > 0 ? "rectangular" : "bartlett";
  const variance = plain > 0 ? plain : longRunVariance(centred, horizon, (lag) => 1 - lag / horizon);
  const correction = Math.sqrt((n + 1 - 2 * horizon + (horizon * (horizon - 1)) / n) / n);
  const statistic = (correction * difference) / Math.sqrt(variance / n);
  return { difference, statistic, pValue: studentTwoSided(statistic, n - 1), kernel };
}

/** γ₀ + 2 Σ w(k) γₖ up to horizon − 1, with autocovariances over n. */
function longRunVariance(centred: Float64Array, horizon: number, weight: (lag: number) => number): number {
  const n = centred.length;
  let variance = 0;
  for (let lag = 0; lag < horizon; lag++) {
    let covariance = 0;
    for (let t = lag; t < n; t++) covariance += at(centred, t) * at(centred, t - lag);
    variance += ((lag === 0 ? 1 : 2 * weight(lag)) * covariance) / n;
  }
  return variance;
}

/** What DeLong's test says. */
export interface DeLongResult {
  /** The first's area less the second's. */
  readonly difference: number;
  /** Of the difference. The areas are of the same samples and move together, so it is surer than either. */
  readonly standardError: number;
  /** Two-sided, by the normal distribution. */
  readonly pValue: number;
}

/**
 * Whether two areas under ROC curves differ, both of the same samples (DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44,
 * 837-845).
 *
 * @param truth [n] whether each sample is positive: two at least that are, and two that are not
 * @param first [n] the first's scores
 * @param second [n] the second's
 * @throws {GatewiseError} `invalid_target`, `shape_mismatch`, `empty_data`, `not_finite`
 *
 * @example
 * ```ts
 * const { difference, standardError } = compareAucs(truth, lstm, logistic);
 * ```
 */
export function compareAucs(truth: Positives, first: Numbers, second: Numbers): DeLongResult {
  samplesIn(truth, first, "first");
  samplesIn(truth, second, "second");
  const positive = positivesOf(truth);
  const count = positive.reduce((sum, p) => sum + p, 0);
  if (count < 2 || positive.length - count < 2) {
    const message = `${count} of ${positive.length} samples are positive: there must be two of each kind at least`;
    throw new GatewiseError("invalid_target", "truth", message);
  }
  const [a, b] = [placements(positive, first, "first"), placements(positive, second, "second")];
  const [above, below] = [minus(a.positives, b.positives), minus(a.negatives, b.negatives)];
  const difference = mean(above);
  const standardError = Math.sqrt(variance(above) / above.length + variance(below) / below.length);
  const pValue = difference === 0 ? 1 : normalTwoSided(difference / standardError);
  return { difference, standardError, pValue };
}

/** For each positive the part of the negatives that it beats, for each negative the part of the positives that beat it. */
function placements(positive: Uint8Array, scores: Numbers, path: string) {
  assertArray(scores, path);
  assertFinite(scores, path);
  const of = (kind: number) => Float64Array.from(scores).filter((_, n) => positive[n] === kind);
  const [ups, downs] = [of(1), of(0)];
  const [sortedUps, sortedDowns] = [ups.toSorted(), downs.toSorted()];
  return {
    positives: ups.map((score) => partBelow(sortedDowns, score)),
    negatives: downs.map((score) => 1 - partBelow(sortedUps, score)),
  };
}

/** The part of the sorted numbers below `value`, those equal to it counted half. */
function partBelow(sorted: Float64Array, value: number): number {
  const below = firstNot(sorted, (x) => x < value);
  const atMost = firstNot(sorted, (x) => x <= value);
  return (below + atMost) / 2 / sorted.length;
}

function firstNot(sorted: Float64Array, holds: (x: number) => boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(at(sorted, middle))) low = middle + 1;
    else high = middle;
  }
  return low;
}

function minus(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, n) => value - at(b, n));
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The unbiased estimate, over n − 1. */
function variance(values: Float64Array): number {
  const centre = mean(values);
  return values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1);
}
