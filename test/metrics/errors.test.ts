// What gatewise/metrics says of arrays that it can make nothing of.

import {
  GatewiseError,
  accuracy,
  averagePrecision,
  calibrationCurve,
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
  rocAuc,
} from "gatewise/metrics";
import { expect, test } from "vitest";

function refused(code: string, path: string, call: () => unknown): void {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(GatewiseError);
    expect(error).toMatchObject({ code, path });
    expect((error as Error).message.length).toBeGreaterThan(20);
    return;
  }
  expect.fail(`${code} at ${path} was expected`);
}

test("arrays of unequal lengths, empty ones, and what is no array", () => {
  refused("shape_mismatch", "predicted", () => accuracy(["a", "b"], ["a"]));
  refused("shape_mismatch", "scores", () => rocAuc([true, false], [1]));
  refused("empty_data", "truth", () => meanAbsoluteError([], []));
  refused("empty_data", "truth", () => accuracy([], []));
  refused("invalid_option", "truth", () => accuracy("ab", ["a", "b"]));
  refused("invalid_option", "predicted", () => meanAbsoluteError([1], new DataView(new ArrayBuffer(8)) as never));
});

test("weights that weigh nothing, too much or less than nothing", () => {
  refused("shape_mismatch", "weights", () => accuracy(["a"], ["a"], { weights: [1, 1] }));
  refused("invalid_option", "weights[1]", () => accuracy(["a", "a"], ["a", "a"], { weights: [1, -1] }));
  refused("not_finite", "weights[0]", () => meanAbsoluteError([1], [1], { weights: [NaN] }));
  refused("empty_data", "weights", () => meanAbsoluteError([1], [1], { weights: [0] }));
});

test("numbers that are not finite, probabilities that are none", () => {
  refused("not_finite", "predicted[1]", () => meanAbsoluteError([1, 2], [1, NaN]));
  refused("not_finite", "scores[0]", () => rocAuc([true, false], [Infinity, 0]));
  refused("invalid_option", "probabilities[1]", () => calibrationCurve([true, false], [0.5, 1.5]));
  refused("invalid_option", "probabilities[0]", () => logLoss(["a"], [[0.5, 0.6]], { classes: ["a", "b"] }));
  refused("shape_mismatch", "probabilities[0]", () => logLoss(["a"], [[1]], { classes: ["a", "b"] }));
});

test("one class alone, and classes that there are not", () => {
  refused("invalid_target", "truth", () => rocAuc([true, true], [0.5, 0.6]));
  refused("invalid_target", "truth", () => averagePrecision([false, false], [0.5, 0.6]));
  refused("invalid_target", "truth", () => compareAucs([1, 0, 0], [1, 2, 3], [3, 2, 1]));
  refused("invalid_target", "truth[1]", () => rocAuc([1, 2], [0.5, 0.6]));
  refused("unknown_class", "predicted[0]", () => confusionMatrix(["a"], ["c"], { classes: ["a", "b"] }));
  refused("unknown_class", "truth[0]", () => logLoss(["c"], [[0.5, 0.5]], { classes: ["a", "b"] }));
  refused("invalid_option", "positive", () => f1(["a"], ["a"], { average: "binary" }));
});

test("one class alone where that is an answer", () => {
  expect(accuracy(["a", "a"], ["a", "a"])).toBe(1);
  expect(f1(["a", "a"], ["b", "b"], { positive: "c" })).toBe(0);
  expect(averagePrecision([1, 1], [0.5, 0.6])).toBe(1);
  expect(mcNemar([1, 1], [1, 1])).toEqual({ onlyFirst: 0, onlySecond: 0, exact: 1, midP: 1 });
});

test("forecasts of which there is no such error", () => {
  refused("invalid_target", "truth[1]", () => meanAbsolutePercentageError([1, 0], [1, 1]));
  refused("invalid_target", "training", () => meanAbsoluteScaledError([1], [1], { training: [1, 2], season: 2 }));
  refused("invalid_target", "training", () => meanAbsoluteScaledError([1], [1], { training: [1, 2, 1, 2], season: 2 }));
  refused("invalid_option", "season", () => meanAbsoluteScaledError([1], [1], { training: [1, 2], season: 0.5 }));
  refused("invalid_option", "quantile", () => pinballLoss([1], [1], { quantile: 2 }));
  refused("invalid_option", "horizon", () => dieboldMariano([1, 2], [2, 1], { horizon: 2 }));
  refused("empty_data", "first", () => dieboldMariano([1], [2]));
});
