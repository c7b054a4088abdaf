// How well scores tell positive samples from negative ones, whatever the threshold. Definitions are scikit-learn's. Knows
// nothing of what gave the scores.

import { GatewiseError } from "../errors.js";
import { type Numbers, type Positives, type Weighted, assertFinite, at, positivesOf, samplesIn, weightsOf } from "./check.js";

/** What a threshold comes to: the share of negatives and of positives whose scores lie at or above it. */
export interface RocPoint {
  /** Infinity at the first point, where nothing is taken for positive. */
  readonly threshold: number;
  readonly falsePositiveRate: number;
  readonly truePositiveRate: number;
}

/** What a threshold comes to: how many of those at or above it are positive, and how many positives lie there. */
export interface PrecisionRecallPoint {
  /** Infinity at the first point, where nothing is taken for positive and precision is set to 1. */
  readonly threshold: number;
  readonly precision: number;
  readonly recall: number;
}

/**
 * The ROC curve from (0, 0) to (1, 1), a point for each distinct score, highest first: tied scores are one step. `roc_curve`
 * with `drop_intermediate=False` in scikit-learn.
 *
 * @param truth [n] whether each sample is positive
 * @param scores [n] the higher, the more likely positive: probabilities or any other numbers
 * @throws {GatewiseError} `invalid_target` where there is no positive or no negative; `shape_mismatch`, `empty_data`,
 * `not_finite`, `invalid_option`
 */
export function rocCurve(truth: Positives, scores: Numbers, options: Weighted = {}): RocPoint[] {
  const steps = ranked(truth, scores, options);
  const { hits, alarms } = steps.at(-1) as Step;
  assertBoth(hits, alarms, "the ROC curve");
  const points = steps.map((step) => ({
    threshold: step.threshold,
    falsePositiveRate: step.alarms / alarms,
    truePositiveRate: step.hits / hits,
  }));
  return [{ threshold: Infinity, falsePositiveRate: 0, truePositiveRate: 0 }, ...points];
}

/**
 * The area under the ROC curve: the chance that a positive scores above a negative, ties counted half (Mann and Whitney).
 * `roc_auc_score` in scikit-learn.
 *
 * @param truth [n] whether each sample is positive
 * @param scores [n]
 * @throws {GatewiseError} as {@link rocCurve}
 *
 * @example
 * ```ts
 * rocAuc([true, false, true], [0.9, 0.4, 0.3]); // 0.5
 * ```
 */
export function rocAuc(truth: Positives, scores: Numbers, options: Weighted = {}): number {
  let area = 0;
  let before: RocPoint | undefined;
  for (const point of rocCurve(truth, scores, options)) {
    if (before) area += ((point.truePositiveRate + before.truePositiveRate) / 2) * (point.falsePositiveRate - before.falsePositiveRate);
    before = point;
  }
  return area;
}

/**
 * Precision and recall from the highest score down, after a first point of precision 1 and recall 0:
 * `precision_recall_curve` in scikit-learn, which has the same points in the opposite order.
 *
 * @param truth [n] whether each sample is positive
 * @param scores [n]
 * @throws {GatewiseError} `invalid_target` where there is no positive; `shape_mismatch`, `empty_data`, `not_finite`,
 * `invalid_option`
 */
export function precisionRecallCurve(truth: Positives, scores: Numbers, options: Weighted = {}): PrecisionRecallPoint[] {
  const steps = ranked(truth, scores, options);
  const { hits: positives } = steps.at(-1) as Step;
  assertBoth(positives, 1, "precision and recall");
  const points = steps.map(({ threshold, hits, alarms }) => ({ threshold, precision: hits / (hits + alarms), recall: hits / positives }));
  return [{ threshold: Infinity, precision: 1, recall: 0 }, ...points];
}

/**
 * Average precision, the area under the precision-recall curve in steps: Σ (Rₖ − Rₖ₋₁) Pₖ. `average_precision_score` in
 * scikit-learn.
 *
 * @param truth [n] whether each sample is positive
 * @param scores [n]
 * @throws {GatewiseError} as {@link precisionRecallCurve}
 */
export function averagePrecision(truth: Positives, scores: Numbers, options: Weighted = {}): number {
  let [area, recall] = [0, 0];
  for (const point of precisionRecallCurve(truth, scores, options)) {
    area += (point.recall - recall) * point.precision;
    recall = point.recall;
  }
  return area;
}

interface Step {
  readonly threshold: number;
  /** Weight of the positives at or above the threshold. */
  readonly hits: number;
  /** Weight of the negatives there. */
  readonly alarms: number;
}

/** One step for each distinct score, the highest first. What weighs 0 is left out. */
function ranked(truth: Positives, scores: Numbers, options: Weighted): Step[] {
  const n = samplesIn(truth, scores, "scores");
  assertFinite(scores, "scores");
  const positive = positivesOf(truth);
  const weights = weightsOf(options.weights, n);
  const order = Array.from({ length: n }, (_, i) => i).filter((i) => at(weights, i) > 0);
  order.sort((a, b) => at(scores, b) - at(scores, a));
  const steps: Step[] = [];
  let [hits, alarms] = [0, 0];
  order.forEach((i, rank) => {
    if (positive[i] === 1) hits += at(weights, i);
    else alarms += at(weights, i);
    const next = order[rank + 1];
    if (next !== undefined && scores[next] === scores[i]) return;
    steps.push({ threshold: at(scores, i), hits, alarms });
  });
  return steps;
}

function assertBoth(hits: number, alarms: number, what: string): void {
  if (hits > 0 && alarms > 0) return;
  const missing = hits > 0 ? "negative" : "positive";
  throw new GatewiseError("invalid_target", "truth", `no sample is ${missing}: ${what} cannot be said of one class alone`);
}
