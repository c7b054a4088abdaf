// How well predicted classes fit the true ones. Definitions are scikit-learn's. Knows nothing of probabilities.

import { GatewiseError } from "../errors.js";
import { type Weighted, samplesIn, weightsOf } from "./check.js";

/** A class: a name, a number, or true and false. */
export type Label = string | number | boolean;

/** How the classes' figures become one. */
export interface F1Options extends Weighted {
  /**
   * `"binary"`: of the class `positive` alone; `"macro"`: the mean over the classes that are there or predicted;
   * `"weighted"`: that mean, each class weighed by its samples. `"macro"` unless given, `"binary"` where `positive` is.
   */
  readonly average?: "binary" | "macro" | "weighted" | undefined;
  /** With `"binary"`: the class that counts. */
  readonly positive?: Label | undefined;
}

/** The counts of a confusion matrix. */
export interface ConfusionMatrix<L extends Label = Label> {
  /** What rows and columns are. */
  readonly classes: readonly L[];
  /** `counts[t][p]`: samples (or their weight) of class `t` that were taken for class `p`. */
  readonly counts: readonly (readonly number[])[];
}

/**
 * Part of the samples whose class was predicted; `accuracy_score` in scikit-learn.
 *
 * @param truth [n]
 * @param predicted [n]
 * @throws {GatewiseError} `shape_mismatch`, `empty_data`, `not_finite`, `invalid_option`
 *
 * @example
 * ```ts
 * accuracy(["a", "b", "b"], ["a", "b", "a"]); // 0.667
 * ```
 */
export function accuracy<L extends Label>(truth: ArrayLike<L>, predicted: ArrayLike<L>, options: Weighted = {}): number {
  const n = samplesIn(truth, predicted);
  const weights = weightsOf(options.weights, n);
  let [right, total] = [0, 0];
  for (let i = 0; i < n; i++) {
    const weight = weights[i] as number;
    if (truth[i] === predicted[i]) right += weight;
    total += weight;
  }
  return right / total;
}

/**
 * The mean over the classes of the part of each that was found; classes without a sample do not count.
 * `balanced_accuracy_score` in scikit-learn.
 *
 * @param truth [n]
 * @param predicted [n]
 * @throws {GatewiseError} `shape_mismatch`, `empty_data`, `not_finite`, `invalid_option`
 */
export function balancedAccuracy<L extends Label>(truth: ArrayLike<L>, predicted: ArrayLike<L>, options: Weighted = {}): number {
  const { counts } = confusionMatrix(truth, predicted, options);
  const recalls = counts.map((row, t) => (row[t] as number) / sum(row)).filter((recall) => !Number.isNaN(recall));
  return sum(recalls) / recalls.length;
}

/**
 * F1, the harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN), and 0 where that has no value. `f1_score` in
 * scikit-learn.
 *
 * @param truth [n]
 * @param predicted [n]
 * @throws {GatewiseError} `shape_mismatch`, `empty_data`, `not_finite`, `invalid_option`
 *
 * @example
 * ```ts
 * f1(truth, predicted, { positive: "returning" });
 * f1(truth, predicted, { average: "weighted" });
 * ```
 */
export function f1<L extends Label>(truth: ArrayLike<L>, predicted: ArrayLike<L>, options: F1Options = {}): number {
  const { positive, average = positive === undefined ? "macro" : "binary" } = options;
  const { classes, counts } = confusionMatrix(truth, predicted, options);
  const each = classes.map((_, c) => {
    const hits = counts[c]?.[c] as number;
    const there = sum(counts[c] as readonly number[]);
    const taken = sum(counts.map((row) => row[c] as number));
    return { f1: there + taken > 0 ? (2 * hits) / (there + taken) : 0, there };
  });
  if (average === "macro") return sum(each.map(({ f1 }) => f1)) / each.length;
  if (average === "weighted") return sum(each.map(({ f1, there }) => f1 * there)) / sum(each.map(({ there }) => there));
  if (average !== "binary") {
    throw new GatewiseError("invalid_option", "average", `average is "${String(average)}": give "binary", "macro" or "weighted"`);
  }
  if (positive === undefined) throw new GatewiseError("invalid_option", "positive", "say which class is the positive one");
  return each[(classes as readonly Label[]).indexOf(positive)]?.f1 ?? 0;
}

/**
 * How often each class was taken for each; `confusion_matrix` in scikit-learn.
 *
 * @param truth [n]
 * @param predicted [n]
 * @param options `classes`: rows and columns in this order, with every class that occurs; sorted unless given
 * @throws {GatewiseError} `shape_mismatch`, `empty_data`, `unknown_class`, `not_finite`, `invalid_option`
 *
 * @example
 * ```ts
 * confusionMatrix(["a", "b", "b"], ["a", "b", "a"]).counts; // [[1, 0], [1, 1]]
 * ```
 */
export function confusionMatrix<L extends Label>(
  truth: ArrayLike<L>,
  predicted: ArrayLike<L>,
  options: Weighted & { readonly classes?: readonly L[] | undefined } = {},
): ConfusionMatrix<L> {
  const n = samplesIn(truth, predicted);
  const weights = weightsOf(options.weights, n);
  const classes = options.classes ?? sorted(new Set([...Array.from(truth), ...Array.from(predicted)]));
  const indices = new Map(classes.map((name, index) => [name, index]));
  const counts = classes.map(() => classes.map(() => 0));
  for (let i = 0; i < n; i++) {
    const row = counts[indexOf(indices, truth[i] as L, `truth[${i}]`)] as number[];
    const column = indexOf(indices, predicted[i] as L, `predicted[${i}]`);
    row[column] = (row[column] as number) + (weights[i] as number);
  }
  return { classes, counts };
}

function indexOf<L extends Label>(indices: ReadonlyMap<L, number>, name: L, path: string): number {
  const index = indices.get(name);
  if (index !== undefined) return index;
  throw new GatewiseError("unknown_class", path, `${path} is "${String(name)}", which is none of the classes: ${[...indices.keys()].join(", ")}`);
}

function sorted<L extends Label>(classes: ReadonlySet<L>): L[] {
  return [...classes].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
