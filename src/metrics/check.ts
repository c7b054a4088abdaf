// What every metric asks of its arrays: that they are as long as each other, not empty, finite, and weighed sensibly. Knows
// nothing of what is computed from them.

import { GatewiseError } from "../errors.js";

/** Numbers in any array. */
export type Numbers = ArrayLike<number>;

/** Whether each sample is positive: booleans, or 1 and 0. */
export type Positives = ArrayLike<boolean | number>;

/** How samples count. */
export interface Weighted {
  /** [n] By how much each sample counts, from 0 on. 1 unless given. */
  readonly weights?: Numbers | undefined;
}

/** Throws unless both arrays have the same length, above 0; gives it. */
export function samplesIn(truth: ArrayLike<unknown>, predicted: ArrayLike<unknown>, path = "predicted"): number {
  assertArray(truth, "truth");
  assertArray(predicted, path);
  if (truth.length === 0) throw new GatewiseError("empty_data", "truth", "there is no sample: give at least one");
  if (truth.length === predicted.length) return truth.length;
  const message = `there are ${truth.length} samples in truth and ${predicted.length} in ${path}: give one for each`;
  throw new GatewiseError("shape_mismatch", path, message);
}

/** Throws unless `value` is an array, typed or not. */
export function assertArray(value: unknown, path: string): asserts value is ArrayLike<unknown> {
  if (Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView))) return;
  throw new GatewiseError("invalid_option", path, `${path} must be an array or a typed array`);
}

/** Throws at the first number that is NaN or infinite. */
export function assertFinite(values: Numbers, path: string): void {
  for (let n = 0; n < values.length; n++) {
    if (Number.isFinite(values[n])) continue;
    throw new GatewiseError("not_finite", `${path}[${n}]`, `${path}[${n}] is ${String(values[n])}: give a finite number`);
  }
}

/** Throws at the first number outside 0 to 1. */
export function assertProbabilities(values: Numbers, path: string): void {
  assertFinite(values, path);
  for (let n = 0; n < values.length; n++) {
    if (at(values, n) >= 0 && at(values, n) <= 1) continue;
    throw new GatewiseError("invalid_option", `${path}[${n}]`, `${path}[${n}] is ${at(values, n)}: a probability lies between 0 and 1`);
  }
}

/** [n] the weights that are given, checked, or ones. */
export function weightsOf(weights: Numbers | undefined, n: number): Numbers {
  if (weights === undefined) return new Float64Array(n).fill(1);
  assertArray(weights, "weights");
  if (weights.length !== n) {
    throw new GatewiseError("shape_mismatch", "weights", `there are ${weights.length} weights for ${n} samples: give one for each`);
  }
  assertFinite(weights, "weights");
  let total = 0;
  for (let i = 0; i < n; i++) {
    if (at(weights, i) < 0) throw new GatewiseError("invalid_option", `weights[${i}]`, `weights[${i}] is below 0`);
    total += at(weights, i);
  }
  if (total > 0) return weights;
  throw new GatewiseError("empty_data", "weights", "every weight is 0: at least one sample must count");
}

/** [n] 1 for positive samples, else 0. */
export function positivesOf(truth: Positives): Uint8Array {
  return Uint8Array.from(truth, (value, n) => {
    if (value === true || value === 1) return 1;
    if (value === false || value === 0) return 0;
    throw new GatewiseError("invalid_target", `truth[${n}]`, `truth[${n}] is ${String(value)}: give true and false, or 1 and 0`);
  });
}

/** The n-th number of an array that has one there. */
export function at(values: Numbers, n: number): number {
  return values[n] as number;
}

/** Σ w v / Σ w */
export function weightedMean(values: Numbers, weights: Numbers): number {
  let [sum, total] = [0, 0];
  for (let n = 0; n < values.length; n++) {
    sum += at(weights, n) * at(values, n);
    total += at(weights, n);
  }
  return sum / total;
}
