// How far predicted probabilities can be believed. Definitions are scikit-learn's, and Guo et al.'s for the calibration error.
// Knows nothing of what predicted them.

import { GatewiseError } from "../errors.js";
import {
  type Numbers,
  type Positives,
  type Weighted,
  assertArray,
  assertFinite,
  assertProbabilities,
  at,
  positivesOf,
  samplesIn,
  weightedMean,
  weightsOf,
} from "./check.js";
import type { Label } from "./classification.js";

/** How probabilities are put into bins. */
export interface CalibrationOptions {
  /** How many bins. 10 unless given. */
  readonly bins?: number | undefined;
  /** `"uniform"`: bins of equal width from 0 to 1; `"quantile"`: bins of equally many samples. `"uniform"` unless given. */
  readonly strategy?: "uniform" | "quantile" | undefined;
}

/** One bin that has samples. A sample at an edge belongs to the bin below it. */
export interface CalibrationPoint {
  /** Samples in the bin. */
  readonly samples: number;
  /** The mean of their predicted probabilities. */
  readonly predicted: number;
  /** The part of them that is positive. */
  readonly observed: number;
}

/** The smallest probability that a logarithm is taken of: the spacing of doubles at 1, scikit-learn's. */
const SMALLEST = Number.EPSILON;

/**
 * The mean of −ln of the probability of the true class; `log_loss` in scikit-learn. A probability of 0 counts as 2.2e-16.
 *
 * @param truth [n] classes
 * @param probabilities [n] a row of one probability a class for each sample, which add up to 1
 * @param options `classes`: what the columns are
 * @throws {GatewiseError} `unknown_class`, `shape_mismatch`, `empty_data`, `not_finite`, `invalid_option`
 *
 * @example
 * ```ts
 * logLoss(["b"], [[0.2, 0.8]], { classes: ["a", "b"] }); // −ln 0.8 = 0.223
 * ```
 */
export function logLoss<L extends Label>(
  truth: ArrayLike<L>,
  probabilities: readonly Numbers[],
  options: Weighted & { readonly classes: readonly L[] },
): number {
  const n = samplesIn(truth, probabilities, "probabilities");
  const losses = probabilities.map((row, i) => {
    assertRow(row, options.classes.length, `probabilities[${i}]`);
    const column = options.classes.indexOf(truth[i] as L);
    if (column < 0) {
      const message = `truth[${i}] is "${String(truth[i])}", which is none of the classes: ${options.classes.join(", ")}`;
      throw new GatewiseError("unknown_class", `truth[${i}]`, message);
    }
    return -Math.log(Math.min(Math.max(at(row, column), SMALLEST), 1 - SMALLEST));
  });
  return weightedMean(losses, weightsOf(options.weights, n));
}

function assertRow(row: Numbers, classes: number, path: string): void {
  assertArray(row, path);
  assertFinite(row, path);
  if (row.length !== classes) {
    throw new GatewiseError("shape_mismatch", path, `${path} has ${row.length} probabilities for ${classes} classes`);
  }
  const total = Array.from(row).reduce((sum, p) => sum + p, 0);
  // Softmax in f32 is within 1e-6; 1e-3 lets rounded figures pass and stops scores that are no probabilities.
  if (Math.abs(total - 1) > 1e-3) throw new GatewiseError("invalid_option", path, `${path} adds up to ${total}, not 1`);
}

/**
 * For each bin that has samples, the mean probability and the part that came true; `calibration_curve` in scikit-learn.
 *
 * @param truth [n] whether each sample is positive
 * @param probabilities [n] of being positive
 * @throws {GatewiseError} `shape_mismatch`, `empty_data`, `not_finite`, `invalid_option`, `invalid_target`
 */
export function calibrationCurve(truth: Positives, probabilities: Numbers, options: CalibrationOptions = {}): CalibrationPoint[] {
  samplesIn(truth, probabilities, "probabilities");
  assertProbabilities(probabilities, "probabilities");
  const positive = positivesOf(truth);
  const edges = innerEdges(probabilities, options);
  const bins = Array.from({ length: edges.length + 1 }, () => ({ samples: 0, predicted: 0, hits: 0 }));
  for (let i = 0; i < positive.length; i++) {
    const p = at(probabilities, i);
    const index = edges.findIndex((edge) => p <= edge);
    const bin = bins[index < 0 ? edges.length : index];
    if (!bin) continue;
    bin.samples += 1;
    bin.predicted += p;
    bin.hits += at(positive, i);
  }
  return bins
    .filter(({ samples }) => samples > 0)
    .map(({ samples, predicted, hits }) => ({ samples, predicted: predicted / samples, observed: hits / samples }));
}

/**
 * The expected calibration error: the mean over the samples of how far their bin's probability is from what came true, Σ
 * (samples / n) · |predicted − observed| (Naeini, Cooper and Hauskrecht 2015). For several classes give the probability of the
 * predicted class, and whether it was right, with 15 bins (Guo et al. 2017, On Calibration of Modern Neural Networks).
 *
 * @param truth [n] whether each sample is positive
 * @param probabilities [n] of being positive
 * @throws {GatewiseError} as {@link calibrationCurve}
 *
 * @example
 * ```ts
 * calibrationError([true, false], [0.9, 0.2]); // bins of 0.1: (|0.9 − 1| + |0.2 − 0|) / 2 = 0.15
 * ```
 */
export function calibrationError(truth: Positives, probabilities: Numbers, options: CalibrationOptions = {}): number {
  return calibrationCurve(truth, probabilities, options).reduce(
    (error, { samples, predicted, observed }) => error + (samples / truth.length) * Math.abs(predicted - observed),
    0,
  );
}

/** The edges between bins, rising. */
function innerEdges(probabilities: Numbers, { bins = 10, strategy = "uniform" }: CalibrationOptions): number[] {
  if (!Number.isInteger(bins) || bins < 1) {
    throw new GatewiseError("invalid_option", "bins", `bins is ${String(bins)}: give a whole number from 1 on`);
  }
  const inner = Array.from({ length: bins - 1 }, (_, i) => (i + 1) / bins);
  if (strategy === "uniform") return inner;
  if (strategy === "quantile") {
    const sorted = Float64Array.from(probabilities).sort();
    return inner.map((share) => quantileOf(sorted, share));
  }
  throw new GatewiseError("invalid_option", "strategy", `strategy is "${String(strategy)}": give "uniform" or "quantile"`);
}

/** Between two numbers, in proportion (NumPy's default). */
function quantileOf(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const [low, high] = [at(sorted, below), at(sorted, Math.min(below + 1, sorted.length - 1))];
  return low + (high - low) * (place - below);
}
