// How well scores tell two classes apart: the ROC curve, the areas under two of them, the usual counts. Knows nothing
// of what gave the scores.

/** How one way of predicting did. Definitions are scikit-learn's, and those of the model's own report. */
export interface Scores {
  readonly accuracy: number;
  /** The mean of the two classes' recalls. */
  readonly balancedAccuracy: number;
  readonly auc: number | null;
  /** Of the positive class. */
  readonly f1: number;
}

/** A threshold's result: the share of negatives and of positives that lie at or above it. */
export interface RocPoint {
  readonly falsePositiveRate: number;
  readonly truePositiveRate: number;
}

/** Scores of `probabilities` of the positive class; at 0.5 and above a sample counts as predicted positive. */
export function scoresOf(probabilities: readonly number[], positive: readonly boolean[]): Scores {
  const countWhere = (predicted: boolean, actual: boolean) =>
    probabilities.filter((p, n) => p >= 0.5 === predicted && positive[n] === actual).length;
  const [hits, misses] = [countWhere(true, true), countWhere(false, true)];
  const [alarms, passes] = [countWhere(true, false), countWhere(false, false)];
  return {
    accuracy: (hits + passes) / positive.length,
    balancedAccuracy: (hits / (hits + misses) + passes / (passes + alarms)) / 2,
    auc: areaUnder(rocCurve(probabilities, positive)),
    f1: (2 * hits) / (2 * hits + misses + alarms),
  };
}

/** From (0, 0) to (1, 1), a point for each distinct score, highest first: tied scores are one step. */
export function rocCurve(scores: readonly number[], positive: readonly boolean[]): RocPoint[] {
  const positives = positive.filter(Boolean).length;
  const negatives = positive.length - positives;
  const ranked = scores.map((score, n) => ({ score, hit: positive[n] === true })).sort((a, b) => b.score - a.score);
  const points: RocPoint[] = [{ falsePositiveRate: 0, truePositiveRate: 0 }];
  let hits = 0;
  ranked.forEach(({ score, hit }, n) => {
    if (hit) hits += 1;
    if (ranked[n + 1]?.score === score) return;
    points.push({ falsePositiveRate: (n + 1 - hits) / negatives, truePositiveRate: hits / positives });
  });
  return points;
}

/** By trapezoids: the chance that a positive scores above a negative, ties counted half (Mann and Whitney). */
export function areaUnder(curve: readonly RocPoint[]): number {
  return curve.slice(1).reduce((area, point, n) => {
    const before = curve[n] ?? point;
    const height = (point.truePositiveRate + before.truePositiveRate) / 2;
    return area + height * (point.falsePositiveRate - before.falsePositiveRate);
  }, 0);
}

/**
 * AUC of `a` less AUC of `b` on the same samples, and its standard error: the two areas move together, so their
 * difference is surer than either (DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44, 837-845).
 */
export function compareAreas(
  a: readonly number[],
  b: readonly number[],
  positive: readonly boolean[],
): { readonly difference: number; readonly standardError: number } {
  const [ofA, ofB] = [placements(a, positive), placements(b, positive)];
  const inPositives = ofA.positives.map((value, n) => value - (ofB.positives[n] ?? NaN));
  const inNegatives = ofA.negatives.map((value, n) => value - (ofB.negatives[n] ?? NaN));
  const error = variance(inPositives) / inPositives.length + variance(inNegatives) / inNegatives.length;
  return { difference: mean(inPositives), standardError: Math.sqrt(error) };
}

/** For each positive the share of negatives that it beats, for each negative the share of positives that beat it. */
function placements(scores: readonly number[], positive: readonly boolean[]) {
  const ofPositives = scores.filter((_, n) => positive[n] === true);
  const ofNegatives = scores.filter((_, n) => positive[n] === false);
  const beats = (high: number, low: number) => (high > low ? 1 : high === low ? 0.5 : 0);
  return {
    positives: ofPositives.map((high) => mean(ofNegatives.map((low) => beats(high, low)))),
    negatives: ofNegatives.map((low) => mean(ofPositives.map((high) => beats(high, low)))),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}

/** The unbiased estimate, with n - 1. */
function variance(values: readonly number[]): number {
  const centre = mean(values);
  return values.reduce((total, value) => total + (value - centre) ** 2, 0) / (values.length - 1);
}
