// The orders example's own mathematics: the logistic regression and the metrics, against values from elsewhere.

import { describe, expect, test } from "vitest";
import { fitLogisticRegression } from "../../examples/orders/baselines.js";
import { areaUnder, compareAreas, rocCurve, scoresOf } from "../../examples/orders/metrics.js";

describe("logistic regression", () => {
  test("with one binary feature gives the groups' frequencies, the closed form", () => {
    const rows = [...Array<number[]>(5).fill([0]), ...Array<number[]>(4).fill([1])];
    const positive = [true, false, false, false, false, true, true, true, false];
    const { probability } = fitLogisticRegression(rows, positive);
    expect(probability([0])).toBeCloseTo(1 / 5, 9);
    expect(probability([1])).toBeCloseTo(3 / 4, 9);
  });

  test("agrees with PyTorch", () => {
    // torch 2.15.0, float64: LBFGS with strong Wolfe line search on the summed binary_cross_entropy_with_logits over
    // columns of mean 0 and (population) deviation 1, until every gradient is below 4e-10.
    const rows = [
      [0.5, 3],
      [1.5, 1],
      [2, 4],
      [3.5, 2],
      [4, 0.5],
      [5, 5],
      [6.5, 1.5],
      [7, 3.5],
      [8, 2.5],
      [9.5, 4.5],
    ];
    const positive = [false, true, false, false, true, false, true, true, false, true];
    const { weights } = fitLogisticRegression(rows, positive);
    const expected = [-0.10850852075235815, 1.3040284298956568, -1.4114143126846679];
    expect(weights).toHaveLength(3);
    expected.forEach((value, i) => expect(weights[i]).toBeCloseTo(value, 8));
  });

  test("refuses what has no finite maximum", () => {
    expect(() => fitLogisticRegression([[1], [2], [3]], [false, false, true])).toThrow("no finite maximum");
    expect(() => fitLogisticRegression([[4], [4], [4]], [false, true, true])).toThrow("no finite maximum");
  });
});

describe("metrics", () => {
  const scores = [0.9, 0.8, 0.5, 0.5, 0.3, 0.1];
  const positive = [true, false, true, false, true, false];

  test("the ROC curve has a point for each distinct score", () => {
    const points = rocCurve(scores, positive).map((point) => [point.falsePositiveRate, point.truePositiveRate]);
    expect(points).toEqual([
      [0, 0],
      [0, 1 / 3],
      [1 / 3, 1 / 3],
      [2 / 3, 2 / 3],
      [2 / 3, 1],
      [1, 1],
    ]);
  });

  test("the area is the share of ordered pairs, ties half", () => {
    // positives 0.9, 0.5, 0.3 against negatives 0.8, 0.5, 0.1: 3 + 1.5 + 1 of 9 pairs
    expect(areaUnder(rocCurve(scores, positive))).toBeCloseTo(5.5 / 9, 12);
    expect(
      areaUnder(
        rocCurve(
          scores.map(() => 1),
          positive,
        ),
      ),
    ).toBe(0.5);
  });

  test("the counts agree with those worked out by hand", () => {
    // at 0.5: two hits, one miss, two false alarms, one right negative
    const { accuracy, balancedAccuracy, auc, f1 } = scoresOf(scores, positive);
    expect([accuracy, balancedAccuracy, f1, auc]).toEqual([
      3 / 6,
      (2 / 3 + 1 / 3) / 2,
      4 / 7,
      expect.closeTo(5.5 / 9, 12),
    ]);
  });

  test("two areas are compared as DeLong does", () => {
    // Shares of the negatives that each positive beats: a 1, 1/2, 1/3 and b 1, 1, 1, so the differences are 0, -1/2, -2/3
    // with variance 13/108. Shares of the positives that beat each negative: a 1/3, 1/2, 1 and b 1, 1, 1; likewise 13/108.
    const perfect = positive.map(Number);
    const { difference, standardError } = compareAreas(scores, perfect, positive);
    expect(difference).toBeCloseTo(5.5 / 9 - 1, 12);
    expect(standardError).toBeCloseTo(Math.sqrt((13 / 108 / 3) * 2), 12);
    expect(compareAreas(scores, scores, positive)).toEqual({ difference: 0, standardError: 0 });
  });
});
