// compare: that it runs who it should on what it should, sums up and tests rightly, tells, stops, and refuses.

import {
  type Classifier,
  type ClassificationOptions,
  type ComparisonProgress,
  type Forecaster,
  type ForecastingOptions,
  compare,
  toTable,
} from "gatewise/baselines";
import { compareAucs, dieboldMariano, mcNemar, rocAuc } from "gatewise/metrics";
import { describe, expect, test } from "vitest";

import { combined, holm } from "../../dist/baselines/compare/tests.js";
import { passengers, refused, waves } from "./support.js";

const NETWORK = { kind: "lstm", layers: [{ cell: "lstm", units: 4 }], training: { epochs: 4, batchSize: 8 } } as const;

const task: ClassificationOptions = {
  task: "classification",
  train: waves(30),
  test: waves(21, 0.4),
  entrants: ["majority", NETWORK, "logistic", "1nn-dtw"],
  seeds: [4, 5],
};

/** Says of each test sample what it is told, with a probability of `sure`. */
function oracle(labels: readonly string[], sure: number): Classifier {
  const other = { fast: "slow", slow: "fast" } as Record<string, string>;
  return {
    parameters: 1,
    settings: { sure },
    async fit() {},
    async predict() {
      return labels.map((label) => ({ label, probabilities: { [label]: sure, [other[label] as string]: 1 - sure } }));
    },
  };
}

/** The targets, every k-th of them wrong. */
function wrongEach(targets: readonly string[], k: number): string[] {
  return targets.map((target, n) => (n % k === 0 ? (target === "fast" ? "slow" : "fast") : target));
}

describe("of classifiers", () => {
  test("every entrant on the same data, networks with each seed, as plain data", async () => {
    const comparison = await compare(task);
    expect(JSON.parse(JSON.stringify(comparison))).toEqual(comparison);
    expect(comparison).toMatchObject({ classes: ["fast", "slow"], positive: "slow", reference: "majority class", seeds: [4, 5] });
    expect(comparison.data.test).toEqual({ samples: 21, steps: 12, features: 2, classes: { fast: 11, slow: 10 } });
    expect(comparison.entrants.map(({ name, runs }) => [name, runs.map(({ seed }) => seed)])).toEqual([
      ["majority class", [null]],
      ["LSTM", [4, 5]],
      ["logistic regression", [null]],
      ["1-NN DTW", [null]],
    ]);
    const [, lstm, , neighbour] = comparison.entrants;
    expect(lstm?.runs.map(({ epochs }) => epochs.length)).toEqual([4, 4]);
    expect(lstm?.runs[0]?.epochs).not.toEqual(lstm?.runs[1]?.epochs);
    expect(lstm?.parameters).toBe(4 * 4 * (2 + 4 + 2) + 10);
    expect(neighbour).toMatchObject({ parameters: null, runs: [{ epochs: [], roc: null, figures: { auc: null, logLoss: null } }] });
    for (const { runs } of comparison.entrants) {
      for (const { predicted, confusion, figures } of runs) {
        const right = predicted.filter((index, n) => index === comparison.truth[n]).length;
        expect(figures.accuracy).toBeCloseTo(right / 21, 12);
        expect((confusion[0]?.[0] ?? 0) + (confusion[1]?.[1] ?? 0)).toBe(right);
      }
    }
  });

  test("twice the same", async () => {
    const strip = async () => (await compare(task)).entrants.map(({ runs }) => runs.map(({ predicted, epochs }) => ({ predicted, epochs })));
    expect(await strip()).toEqual(await strip());
  });

  test("means, deviations and tests are those of the runs", async () => {
    const { targets } = waves(21);
    const byFive = wrongEach(targets, 5);
    const scores = (labels: readonly string[], sure: number) => labels.map((label) => (label === "slow" ? sure : 1 - sure));
    const comparison = await compare({
      ...task,
      positive: "slow",
      reference: "good",
      seeds: [1, 2],
      entrants: [
        { name: "bad", seeded: true, create: (seed) => oracle(wrongEach(targets, seed + 1), 0.6) },
        { name: "good", create: () => oracle(byFive, 0.9) },
      ],
    });
    const [bad, good] = comparison.entrants;
    const accuracies = [10 / 21, 14 / 21];
    expect(bad?.summary.accuracy?.mean).toBeCloseTo(24 / 42, 12);
    expect(bad?.summary.accuracy?.deviation).toBeCloseTo(4 / 21 / Math.SQRT2, 12);
    expect(bad?.runs.map(({ figures }) => figures.accuracy)).toEqual(accuracies);
    expect(good?.summary.accuracy).toEqual({ mean: 16 / 21, deviation: 0 });
    expect(good?.summary.auc?.mean).toBeCloseTo(rocAuc(targets.map((name) => name === "slow"), scores(byFive, 0.9)), 12);
    // One bin: a confidence of 0.9 for all.
    expect(good?.summary.calibrationError?.mean).toBeCloseTo(Math.abs(0.9 - 16 / 21), 12);

    const right = (labels: readonly string[]) => targets.map((name, n) => name === labels[n]);
    const pValues = [2, 3].map((k) => mcNemar(right(byFive), right(wrongEach(targets, k))).midP);
    const [mcnemar, delong] = comparison.tests;
    expect(mcnemar).toMatchObject({ kind: "mcnemar", reference: "good", other: "bad", pValues });
    expect(mcnemar?.advantage).toBeCloseTo(16 / 21 - 24 / 42, 12);
    expect(mcnemar?.pValue).toBeCloseTo(Math.min(1, 2 * Math.min(...pValues)), 12);
    const areas = [2, 3].map((k) => compareAucs(targets.map((name) => name === "slow"), scores(byFive, 0.9), scores(wrongEach(targets, k), 0.6)));
    expect(delong).toMatchObject({ kind: "delong", pValues: areas.map(({ pValue }) => pValue) });
  });

  test("more than two classes: means over the classes, no DeLong; one class alone in the test part: no areas", async () => {
    const targets = Array.from({ length: 30 }, (_, n) => ["a", "b", "c"][n % 3] as string);
    const train = { ...waves(30), targets };
    const three = await compare({ ...task, train, test: { ...waves(21), targets: targets.slice(0, 21) }, entrants: ["logistic", "majority"] });
    expect(three.positive).toBeNull();
    expect(three.entrants[1]?.summary).toMatchObject({ auc: { mean: 0.5 }, accuracy: { mean: 1 / 3 } });
    expect(three.entrants[0]?.runs[0]?.roc?.map((curve) => curve.class)).toEqual(["a", "b", "c"]);
    expect(three.tests.map(({ kind }) => kind)).toEqual(["mcnemar"]);
    const alone = await compare({ ...task, test: { ...waves(2), targets: ["fast", "fast"] }, entrants: ["logistic", "majority"] });
    expect(alone.entrants[0]?.summary.auc).toBeNull();
    expect(toTable(alone)).not.toContain("ROC AUC");
  });

  test("targets may be indices, and a table says it all", async () => {
    const part = (n: number) => ({ ...waves(n), targets: Uint8Array.from({ length: n }, (_, i) => i % 2) });
    const comparison = await compare({ ...task, train: part(30), test: part(21), classes: ["fast", "slow"], title: "Waves", entrants: ["1nn-euclidean", "logistic"] });
    const table = toTable(comparison);
    for (const text of ["Waves", "30 training and 21 test sequences", "1-NN Euclidean", "McNemar, mid-p", "accuracy", "Holm"]) expect(table).toContain(text);
  });
});

describe("of forecasters", () => {
  const series = passengers();
  const forecasting: ForecastingOptions = { task: "forecasting", series, horizon: 12, season: 12, transform: "log", entrants: ["sarima", "seasonal-naive"], seeds: [1] };

  test("one origin: the textbook's figures, and no test", async () => {
    const comparison = await compare(forecasting);
    expect(JSON.parse(JSON.stringify(comparison))).toEqual(comparison);
    const [sarima, naive] = comparison.entrants;
    expect(sarima?.name).toBe("SARIMA(0,1,1)(0,1,1)12");
    expect((100 * (sarima?.summary.mape?.mean ?? 0)).toFixed(3)).toBe("2.904");
    expect(sarima?.summary.rmse?.mean.toFixed(2)).toBe("18.59");
    expect((100 * (naive?.summary.mape?.mean ?? 0)).toFixed(2)).toBe("9.99");
    expect(comparison.tests).toEqual([]);
    expect(comparison.notes.join()).toContain("no test");
    expect(comparison.origins).toEqual([132]);
  });

  test("several origins: what is known at each, figures over all, and the test of their losses", async () => {
    const known: number[] = [];
    const constant = (value: number): Forecaster => ({
      parameters: 0,
      async fit(given) {
        known.push(given.length);
      },
      predict: async (steps) => ({ values: new Float64Array(steps).fill(value), lower: null, upper: null }),
    });
    const numbers = Float64Array.from({ length: 30 }, (_, t) => t % 7);
    const comparison = await compare({
      task: "forecasting",
      series: numbers,
      horizon: 4,
      origins: 6,
      stride: 2,
      entrants: [{ name: "three", create: () => constant(3) }, { name: "one", create: () => constant(1) }],
    });
    const origins = [16, 18, 20, 22, 24, 26];
    expect(comparison.origins).toEqual(origins);
    expect(known).toEqual([...origins, ...origins]);
    const losses = (value: number) => origins.map((origin) => [0, 1, 2, 3].reduce((sum, h) => sum + (value - (numbers[origin + h] ?? NaN)) ** 2, 0) / 4);
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(comparison.entrants[0]?.summary.rmse?.mean).toBeCloseTo(Math.sqrt(mean(losses(3))), 12);
    expect(comparison.entrants[0]?.summary).toMatchObject({ coverage: null, pinball: null, mape: null });
    // A truth is 0 somewhere. Forecasts two steps apart of four steps share some: horizon 2.
    const { pValue, difference } = dieboldMariano(losses(3), losses(1), { horizon: 2 });
    expect(comparison.tests).toEqual([{ kind: "diebold-mariano", reference: "three", other: "one", advantage: -difference, pValues: [pValue], pValue, adjusted: pValue }]);
  });

  test("MASE is scaled by each origin's own training part, coverage and pinball are of the interval", async () => {
    const ramp = Float64Array.from({ length: 12 }, (_, t) => t * t);
    const wide: Forecaster = {
      parameters: 0,
      async fit() {},
      predict: async (steps) => ({ values: new Float64Array(steps).fill(100), lower: new Float64Array(steps).fill(90), upper: new Float64Array(steps).fill(101) }),
    };
    const { entrants } = await compare({ task: "forecasting", series: ramp, horizon: 2, entrants: [{ name: "wide", create: () => wide }] });
    // Truth 100, 121; the naive forecast's mean error on 0, 1, 4, … 81 is 9.
    expect(entrants[0]?.summary.mase?.mean).toBeCloseTo(21 / 2 / 9, 12);
    expect(entrants[0]?.summary.coverage?.mean).toBe(0.5);
    const losses = [(0.1 * 10 + 0.1 * 31) / 2, (0 + 0.5 * 21) / 2, (0.1 * 1 + 0.9 * 20) / 2];
    expect(entrants[0]?.summary.pinball?.mean).toBeCloseTo(losses.reduce((sum, loss) => sum + loss, 0) / 3, 12);
  });

  test("what cannot be", async () => {
    await refused("empty_data", "series", () => compare({ ...forecasting, origins: 20 }));
    await refused("invalid_option", "horizon", () => compare({ ...forecasting, horizon: 0 }));
    await refused("invalid_option", "transform", () => compare({ ...forecasting, transform: "root" as never }));
    await refused("shape_mismatch", "times", () => compare({ ...forecasting, times: [1, 2] }));
    await refused("not_finite", "series[3]", () => compare({ ...forecasting, series: series.map((value, t) => (t === 3 ? Infinity : value)) }));
    await refused("invalid_option", "entrants[0].order[2]", () => compare({ ...forecasting, entrants: [{ kind: "arima", order: [1, 1] as never }] }));
    const bad: Forecaster = { parameters: 0, async fit() {}, predict: async () => ({ values: Float64Array.of(NaN), lower: null, upper: null }) };
    await refused("not_finite", "entrants", () => compare({ ...forecasting, entrants: [{ name: "bad", create: () => bad }] }));
  });
});

describe("progress and abort", () => {
  test("tells each run, and how far networks are", async () => {
    const told: ComparisonProgress[] = [];
    await compare({ ...task, onProgress: (progress) => told.push(progress) });
    expect(told.filter(({ phase, fraction }) => phase === "fit" && fraction === 0).map(({ entrant, seed, run, runs }) => [entrant, seed, run, runs])).toEqual([
      ["majority class", null, 1, 5],
      ["LSTM", 4, 2, 5],
      ["LSTM", 5, 3, 5],
      ["logistic regression", null, 4, 5],
      ["1-NN DTW", null, 5, 5],
    ]);
    expect(told.some(({ entrant, phase, fraction }) => entrant === "LSTM" && phase === "fit" && fraction === 1)).toBe(true);
  });

  test("stops before it begins, within a network's training, and between runs", async () => {
    const reason = new Error("enough");
    await expect(compare({ ...task, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    for (const within of [0, 0.0001]) {
      const stop = new AbortController();
      const onProgress = ({ entrant, fraction }: ComparisonProgress) => {
        if (entrant === "LSTM" && fraction >= within) stop.abort(reason);
      };
      const endless = { ...NETWORK, training: { epochs: 1_000_000 } };
      await expect(compare({ ...task, entrants: ["majority", endless], signal: stop.signal, onProgress })).rejects.toBe(reason);
    }
  });
});

describe("bad input", () => {
  const bads: [string, string, object][] = [
    ["invalid_option", "task", { task: "regression" }],
    ["invalid_option", "entrants", { entrants: [] }],
    ["invalid_option", "entrants[0].kind", { entrants: ["lstn"] }],
    ["invalid_option", "entrants[1].window", { entrants: ["majority", { kind: "1nn-dtw", window: 3 }] }],
    ["invalid_option", "entrants[0].unit", { entrants: [{ kind: "gru", unit: 3 }] }],
    ["invalid_option", "entrants[1].name", { entrants: ["majority", { kind: "majority" }] }],
    ["invalid_option", "entrants", { entrants: ["network"] }],
    ["invalid_option", "seeds", { seeds: [] }],
    ["invalid_option", "seeds[1]", { seeds: [1, 1] }],
    ["invalid_option", "reference", { reference: "LSTN" }],
    ["invalid_option", "test", { test: undefined }],
    ["unknown_class", "positive", { positive: "medium" }],
    ["unknown_class", "test.targets[0]", { test: { ...waves(2), targets: ["medium", "slow"] } }],
    ["invalid_option", "classes", { train: { ...waves(2), targets: ["fast", "fast"] } }],
    ["invalid_option", "classes", { train: { ...waves(2), targets: Uint8Array.of(0, 1) } }],
    ["invalid_option", "train.x", { train: { tokens: Uint8Array.of(1, 2), shape: [2, 1], targets: ["fast", "slow"] } }],
    ["shape_mismatch", "test.shape", { test: { x: new Float32Array(4), shape: [1, 4, 1], targets: ["fast"] } }],
    ["not_finite", "train.x[0]", { train: { ...waves(30), x: waves(30).x.fill(NaN, 0, 1) } }],
    ["invalid_definition", "definition.layers[0].units", { entrants: [{ kind: "network", layers: [{ cell: "lstm", units: 0 }] }] }],
    ["invalid_option", "options.epochs", { entrants: [{ kind: "rnn", training: { epochs: 0 } }] }],
  ];

  test.each(bads)("%s at %s: %j", (code, path, change) => refused(code, path, () => compare({ ...task, ...change } as ClassificationOptions)));

  test("entrants of others that predict too little, or what there is not", async () => {
    const of = (labels: readonly string[]) => ({ ...task, entrants: [{ name: "odd", create: () => oracle(labels, 1) }] });
    await refused("shape_mismatch", "entrants", () => compare(of(["fast"])));
    await refused("unknown_class", "entrants", () => compare(of(Array<string>(21).fill("medium"))));
  });
});

describe("p-values together", () => {
  test("Rüger's rule: one stays, of several the middle one times k / i, at most 1", () => {
    expect(combined([0.03])).toBe(0.03);
    expect(combined([0.5, 0.01, 0.02])).toBeCloseTo(1.5 * 0.02, 15);
    expect(combined([0.01, 0.02])).toBeCloseTo(0.02, 15);
    expect(combined([0.9, 0.9, 0.9])).toBe(1);
  });

  test("Holm's adjustment, with R's p.adjust(c(0.01, 0.04, 0.03, 0.005), \"holm\")", () => {
    holm([0.01, 0.04, 0.03, 0.005]).forEach((p, n) => expect(p).toBeCloseTo([0.03, 0.06, 0.06, 0.02][n] ?? NaN, 15));
  });
});
