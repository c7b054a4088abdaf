// gatewise/metrics against scikit-learn, statsmodels and SciPy: test/vectors/metrics/generate.py wrote the numbers.

import { readFileSync } from "node:fs";

import {
  accuracy,
  averagePrecision,
  balancedAccuracy,
  calibrationCurve,
  calibrationError,
  compareAucs,
  confusionMatrix,
  dieboldMariano,
  f1,
  logLoss,
  mcNemar,
  meanAbsoluteError,
  meanAbsolutePercentageError,
  meanAbsoluteScaledError,
  pinballLoss,
  precisionRecallCurve,
  rocAuc,
  rocCurve,
  rootMeanSquaredError,
  symmetricMeanAbsolutePercentageError,
} from "gatewise/metrics";
import { describe, expect, test } from "vitest";

import { normalInterval, normalTwoSided, studentTwoSided } from "../../dist/metrics/distributions.js";

const vectors = JSON.parse(readFileSync(new URL("../vectors/metrics/metrics.json", import.meta.url), "utf8")) as Vectors;

interface Vectors {
  classification: {
    truth: string[];
    predicted: string[];
    classes: string[];
    weights: number[] | null;
    probabilities: number[][];
    accuracy: number;
    balancedAccuracy: number;
    macro: number;
    weighted: number;
    first: number;
    confusion: number[][];
    logLoss: number;
  }[];
  ranking: {
    truth: number[];
    scores: number[];
    weights: number[] | null;
    roc: [number[], number[], number[]];
    auc: number;
    precisionRecall: [number[], number[], number[]];
    averagePrecision: number;
    calibration?: { bins: number; strategy: "uniform" | "quantile"; predicted: number[]; observed: number[]; error: number }[];
  }[];
  forecasts: {
    truth: number[];
    predicted: number[];
    training: number[];
    season: number;
    weights: number[] | null;
    mae: number;
    rmse: number;
    mape: number;
    smape: number;
    mase: number;
    pinball: [number, number][];
  }[];
  mcNemar: { onlyFirst: number; onlySecond: number; both: number; exact: number; midP: number }[];
  dieboldMariano: { first: number[]; second: number[]; horizon: number; kernel: string; statistic: number; pValue: number }[];
  delong: { truth: number[]; first: number[]; second: number[]; difference: number; standardError: number; pValue: number }[];
  student: [number, number, number][];
  normal: [number, number][];
}

/** Sums of some tens of doubles of about 1 in another order. */
const DIGITS = 13;

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, n) => expect(value).toBeCloseTo(expected[n] as number, DIGITS));
}

describe("of classes", () => {
  test.each(vectors.classification.map((row, n) => [n, row] as const))("case %i", (_, row) => {
    const weights = row.weights ?? undefined;
    const { truth, predicted, classes } = row;
    expect(accuracy(truth, predicted, { weights })).toBeCloseTo(row.accuracy, DIGITS);
    expect(balancedAccuracy(truth, predicted, { weights })).toBeCloseTo(row.balancedAccuracy, DIGITS);
    expect(f1(truth, predicted, { weights })).toBeCloseTo(row.macro, DIGITS);
    expect(f1(truth, predicted, { weights, average: "weighted" })).toBeCloseTo(row.weighted, DIGITS);
    expect(f1(truth, predicted, { weights, positive: classes[0] })).toBeCloseTo(row.first, DIGITS);
    confusionMatrix(truth, predicted, { weights, classes }).counts.forEach((counts, t) => expectClose(counts, row.confusion[t] ?? []));
    expect(logLoss(truth, row.probabilities, { weights, classes })).toBeCloseTo(row.logLoss, 12);
  });
});

describe("of scores", () => {
  test.each(vectors.ranking.map((row, n) => [n, row] as const))("case %i", (_, { truth, scores, ...row }) => {
    const weights = row.weights ?? undefined;
    const roc = rocCurve(truth, scores, { weights });
    expectClose(roc.map((point) => point.falsePositiveRate), row.roc[0]);
    expectClose(roc.map((point) => point.truePositiveRate), row.roc[1]);
    expect(roc.map((point) => point.threshold)).toEqual([Infinity, ...row.roc[2]]);
    expect(rocAuc(truth, scores, { weights })).toBeCloseTo(row.auc, DIGITS);
    const curve = precisionRecallCurve(truth, scores, { weights });
    expectClose(curve.map((point) => point.precision), row.precisionRecall[0]);
    expectClose(curve.map((point) => point.recall), row.precisionRecall[1]);
    expect(curve.map((point) => point.threshold)).toEqual([Infinity, ...row.precisionRecall[2]]);
    expect(averagePrecision(truth, scores, { weights })).toBeCloseTo(row.averagePrecision, DIGITS);
    for (const { bins, strategy, predicted, observed, error } of row.calibration ?? []) {
      const points = calibrationCurve(truth, scores, { bins, strategy });
      expectClose(points.map((point) => point.predicted), predicted);
      expectClose(points.map((point) => point.observed), observed);
      expect(calibrationError(truth, scores, { bins, strategy })).toBeCloseTo(error, DIGITS);
    }
  });

  test("any kind of array will do", () => {
    const [row] = vectors.ranking;
    const scores = Float64Array.from(row?.scores ?? []);
    expect(rocAuc((row?.truth ?? []).map((value) => value === 1), scores)).toBeCloseTo(row?.auc ?? NaN, DIGITS);
  });
});

describe("of forecasts", () => {
  test.each(vectors.forecasts.map((row, n) => [n, row] as const))("case %i", (_, { truth, predicted, training, season, ...row }) => {
    const weights = row.weights ?? undefined;
    expect(meanAbsoluteError(truth, predicted, { weights })).toBeCloseTo(row.mae, DIGITS);
    expect(rootMeanSquaredError(truth, predicted, { weights })).toBeCloseTo(row.rmse, DIGITS);
    expect(meanAbsolutePercentageError(truth, predicted, { weights })).toBeCloseTo(row.mape, DIGITS);
    expect(symmetricMeanAbsolutePercentageError(truth, predicted, { weights })).toBeCloseTo(row.smape, DIGITS);
    expect(meanAbsoluteScaledError(truth, predicted, { weights, training, season })).toBeCloseTo(row.mase, DIGITS);
    for (const [quantile, loss] of row.pinball) {
      expect(pinballLoss(truth, predicted, { weights, quantile })).toBeCloseTo(loss, DIGITS);
    }
  });
});

describe("paired tests", () => {
  test.each(vectors.mcNemar)("McNemar: $onlyFirst against $onlySecond", ({ onlyFirst, onlySecond, both, exact, midP }) => {
    const outcomes = [...Array(onlyFirst).fill([1, 0]), ...Array(onlySecond).fill([0, 1]), ...Array(both).fill([1, 1])] as [0 | 1, 0 | 1][];
    const result = mcNemar(outcomes.map(([a]) => a), outcomes.map(([, b]) => b === 1));
    expect(result).toMatchObject({ onlyFirst, onlySecond });
    expect(result.exact).toBeCloseTo(exact, 12);
    expect(result.midP).toBeCloseTo(midP, 12);
  });

  test("McNemar: what Fagerland, Lydersen and Laake print of Bentur et al.'s airways", () => {
    const outcomes = [...Array<number>(7).fill(1), 0];
    const { exact, midP } = mcNemar(outcomes, outcomes.map((right) => 1 - right));
    expect([exact.toFixed(3), midP.toFixed(3)]).toEqual(["0.070", "0.039"]);
  });

  test.each(vectors.dieboldMariano.map((row, n) => [n, row] as const))("Diebold and Mariano: case %i", (_, { first, second, horizon, ...row }) => {
    const result = dieboldMariano(first, second, { horizon });
    expect(result.kernel).toBe(row.kernel);
    expect(result.statistic).toBeCloseTo(row.statistic, 11);
    expect(result.pValue).toBeCloseTo(row.pValue, 12);
    const turned = dieboldMariano(second, first, { horizon });
    expect(turned.statistic).toBeCloseTo(-row.statistic, 11);
  });

  test("Diebold and Mariano: what is alike differs by nothing, what always differs by as much does so surely", () => {
    expect(dieboldMariano([1, 2, 3], [1, 2, 3])).toMatchObject({ difference: 0, statistic: 0, pValue: 1 });
    expect(dieboldMariano([2, 2, 2], [1, 1, 1])).toMatchObject({ difference: 1, statistic: Infinity, pValue: 0 });
  });

  test.each(vectors.delong.map((row, n) => [n, row] as const))("DeLong: case %i", (_, { truth, first, second, ...row }) => {
    const result = compareAucs(truth, first, second);
    expect(result.difference).toBeCloseTo(row.difference, DIGITS);
    expect(result.standardError).toBeCloseTo(row.standardError, DIGITS);
    expect(result.pValue).toBeCloseTo(row.pValue, 12);
    expect(compareAucs(truth, first, first)).toMatchObject({ difference: 0, pValue: 1 });
  });
});

describe("distributions", () => {
  test.each(vectors.student)("|t| ≥ %d with %i degrees of freedom", (t, freedom, p) => {
    expect(studentTwoSided(t, freedom)).toBeCloseTo(p, DIGITS);
    expect(studentTwoSided(-t, freedom)).toBeCloseTo(p, DIGITS);
  });

  test.each(vectors.normal)("|z| ≥ %d", (z, p) => {
    expect(Math.abs(normalTwoSided(z) / p - 1)).toBeLessThan(1e-12);
    expect(normalInterval(1 - p)).toBeCloseTo(Math.min(z, 8), z > 4 ? 0 : 10);
  });
});
