// What the LSTM has to beat: always the commoner class, and a logistic regression on recency, frequency and value,
// the three numbers with which shops have long sorted their customers. Knows nothing of sequences or of the LSTM.

import type { Table } from "gatewise/data";
import { ordersByCustomer } from "./invoices.js";
import { WEEK, type Label, type Samples } from "./sequences.js";

/** Weeks since the last order; ln(1 + orders); ln(1 + pounds). One row a sample. */
export function recencyFrequencyValue(invoices: Table, { groups, times }: Pick<Samples, "groups" | "times">): number[][] {
  const orders = ordersByCustomer(invoices);
  return groups.map((customer, n) => {
    const cutOff = times[n] ?? NaN;
    const past = orders.get(Number(customer))?.filter(({ time }) => time < cutOff) ?? [];
    const value = past.reduce((total, order) => total + order.value, 0);
    return [(cutOff - (past.at(-1)?.time ?? cutOff)) / WEEK, Math.log1p(past.length), Math.log1p(value)];
  });
}

/** The commoner label. Taken over the test samples themselves, it is the best that any constant answer can do there. */
export function majorityLabel(labels: readonly Label[]): Label {
  const returning = labels.filter((label) => label === "returning").length;
  return returning * 2 > labels.length ? "returning" : "lapsed";
}

export interface LogisticRegression {
  /** The intercept, then one weight a feature, for features of mean 0 and deviation 1 over the training rows. */
  readonly weights: readonly number[];
  /** The probability that this row is positive. */
  probability(row: readonly number[]): number;
}

/**
 * The weights of maximum likelihood, without regularisation, by Newton's method (iteratively reweighted least
 * squares; Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 2nd ed., section 4.4.1).
 *
 * @throws when there is no finite maximum: a feature is constant, or a plane separates the classes
 */
export function fitLogisticRegression(
  rows: readonly (readonly number[])[],
  positive: readonly boolean[],
): LogisticRegression {
  const standardise = fitStandardScaling(rows);
  const design = rows.map((row) => [1, ...standardise(row)]);
  const weights = Array.from(design[0] ?? [], () => 0);

  for (let iteration = 0; iteration < 50; iteration += 1) {
    const gradient = weights.map(() => 0); // of the log-likelihood: Σ (y - p) x
    const curvature = weights.map(() => weights.map(() => 0)); // its negative Hessian: Σ p (1 - p) x xᵀ
    design.forEach((x, n) => {
      const p = sigmoid(dot(weights, x));
      const residual = Number(positive[n]) - p;
      x.forEach((xi, i) => {
        add(gradient, i, residual * xi);
        x.forEach((xj, j) => add(curvature[i] ?? [], j, p * (1 - p) * xi * xj));
      });
    });
    const step = solvePositiveDefinite(curvature, gradient);
    step.forEach((change, i) => add(weights, i, change));
    if (step.every((change) => Math.abs(change) < 1e-10)) {
      return { weights, probability: (row) => sigmoid(dot(weights, [1, ...standardise(row)])) };
    }
  }
  throw new Error("the logistic regression has no finite maximum: a feature is constant or separates the classes");
}

function fitStandardScaling(rows: readonly (readonly number[])[]): (row: readonly number[]) => number[] {
  const columns = (rows[0] ?? []).map((_, feature) => rows.map((row) => row[feature] ?? NaN));
  const scales = columns.map((column) => {
    const mean = column.reduce((total, value) => total + value, 0) / column.length;
    const variance = column.reduce((total, value) => total + (value - mean) ** 2, 0) / column.length;
    return { mean, deviation: Math.sqrt(variance) };
  });
  return (row) => scales.map(({ mean, deviation }, feature) => ((row[feature] ?? NaN) - mean) / deviation);
}

/** x of A x = b by Gaussian elimination; a positive definite A needs no pivoting. */
function solvePositiveDefinite(a: readonly (readonly number[])[], b: readonly number[]): number[] {
  const rows = a.map((row, i) => [...row, b[i] ?? NaN]);
  const eliminate = (target: number[], source: readonly number[], column: number) => {
    const factor = (target[column] ?? NaN) / (source[column] ?? NaN);
    source.forEach((value, j) => add(target, j, -factor * value));
  };
  rows.forEach((source, i) => rows.forEach((target, k) => k !== i && eliminate(target, source, i)));
  return rows.map((row, i) => (row.at(-1) ?? NaN) / (row[i] ?? NaN));
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((total, value, i) => total + value * (b[i] ?? NaN), 0);
}

function add(target: number[], index: number, value: number): void {
  target[index] = (target[index] ?? NaN) + value;
}

function sigmoid(z: number): number {
  return 1 / (1 + Math.exp(-z));
}
