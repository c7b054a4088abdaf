// The baselines for classes: against scikit-learn, DTW by its definition, and the archive's published accuracies.

import { readFileSync } from "node:fs";

import { type LabelledSeries, logisticRegression, majority, nearestNeighbour, networkClassifier } from "gatewise/baselines";
import { readUcrTs } from "gatewise/data";
import { describe, expect, test } from "vitest";

import { squaredDtw } from "../../dist/baselines/dtw.js";
import { summaryFeatures } from "../../dist/baselines/features.js";
import { refused, waves } from "./support.js";

function vectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../vectors/baselines/${name}.json`, import.meta.url), "utf8")) as T;
}

interface LogisticCase {
  readonly c: number;
  readonly train: number[][][];
  readonly targets: string[];
  readonly test: number[][][];
  readonly classes: string[];
  readonly probabilities: number[][];
  readonly features: number[][];
}

/** Padded with what must not be read. */
function padded(rows: readonly number[][][], targets: readonly string[]): LabelledSeries {
  const [steps, features] = [Math.max(...rows.map((row) => row.length)), rows[0]?.[0]?.length ?? 0];
  const x = new Float32Array(rows.length * steps * features).fill(NaN);
  rows.forEach((row, n) => x.set(row.flat(), n * steps * features));
  return { x, shape: [rows.length, steps, features], lengths: rows.map((row) => row.length), targets };
}

describe("logistic regression", () => {
  const { cases } = vectors<{ cases: LogisticCase[] }>("logistic");

  test.each(cases.map((row, n) => [n, row] as const))("has scikit-learn's probabilities: case %i", async (_, row) => {
    const regression = logisticRegression({ c: row.c });
    await regression.fit(padded(row.train, row.targets));
    const guesses = await regression.predict(padded(row.test, []));
    guesses.forEach(({ label, probabilities }, n) => {
      const expected = row.probabilities[n] ?? [];
      expect(label).toBe(row.classes[expected.indexOf(Math.max(...expected))]);
      // x is f32, and what is summarised is about 1: that moves the probabilities by some 1e-7.
      row.classes.forEach((name, k) => expect(probabilities?.[name]).toBeCloseTo(expected[k] ?? NaN, 5));
    });
    expect(regression.parameters).toBe((row.classes.length > 2 ? row.classes.length : 1) * 14);
  });

  test("its features are NumPy's", () => {
    for (const row of cases) {
      const rows = row.test.map((steps) => Float64Array.from(steps.flat()));
      const features = summaryFeatures({ rows, channels: 2, statics: rows.map(() => Float64Array.of(7)) });
      features.forEach((values, n) => [...(row.features[n] ?? []), 7].forEach((value, i) => expect(values[i]).toBeCloseTo(value, 12)));
    }
  });

  test("a constant feature and classes that a plane separates do no harm", async () => {
    const regression = logisticRegression();
    const x = Float32Array.of(1, 1, 1, 1, 5, 5);
    await regression.fit({ x, shape: [3, 2, 1], targets: ["a", "a", "b"] });
    const guesses = await regression.predict({ x, shape: [3, 2, 1] });
    expect(guesses.map(({ label }) => label)).toEqual(["a", "a", "b"]);
  });

  test("can be ended", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    const many = waves(4000);
    await expect(logisticRegression({ c: 1e6 }).fit(many, { signal })).rejects.toThrow("enough");
  });
});

describe("dynamic time warping", () => {
  const pairs = vectors<{ channels: number; radius: number; a: number[]; b: number[]; distance: number }[]>("dtw");

  test.each(pairs.map((row, n) => [n, row] as const))("pair %i has the distance of the definition", (_, { channels, radius, a, b, distance }) => {
    const [first, second] = [Float64Array.from(a), Float64Array.from(b)];
    expect(squaredDtw(first, second, { channels, radius })).toBeCloseTo(distance, 10);
    expect(squaredDtw(second, first, { channels, radius })).toBeCloseTo(distance, 10);
    expect(squaredDtw(first, second, { channels, radius, limit: distance * 1.001 })).toBeCloseTo(distance, 10);
    expect(squaredDtw(first, second, { channels, radius, limit: distance * 0.999 })).toBeGreaterThanOrEqual(distance * 0.999);
  });

  test("finds JapaneseVowels' published accuracies, by Euclid too", async () => {
    const read = (part: string) => readUcrTs(new URL(`../../examples/learning/data/JapaneseVowels_${part}.ts.gz`, import.meta.url));
    const [train, test] = [await read("TRAIN"), await read("TEST")];
    for (const [distance, published] of [["euclidean", "0.922"], ["dtw", "0.949"]] as const) {
      const neighbour = nearestNeighbour({ distance });
      await neighbour.fit(train);
      const guesses = await neighbour.predict(test);
      const right = guesses.filter(({ label }, n) => label === test.targets[n]).length;
      expect((right / guesses.length).toFixed(3)).toBe(published);
    }
  });

  test("a window of nothing is Euclid's distance, where lengths are equal", async () => {
    const [train, test] = [{ ...waves(20), lengths: undefined }, { ...waves(10, 0.3), lengths: undefined }];
    const [narrow, euclid] = [nearestNeighbour({ distance: "dtw", window: 0 }), nearestNeighbour({ distance: "euclidean" })];
    await narrow.fit(train);
    await euclid.fit(train);
    expect(await narrow.predict(test)).toEqual(await euclid.predict(test));
  });

  test("can be ended", async () => {
    const neighbour = nearestNeighbour({ distance: "dtw" });
    await neighbour.fit(waves(2000));
    const stop = new AbortController();
    const ended = neighbour.predict(waves(2000), { signal: stop.signal });
    stop.abort(new Error("enough"));
    await expect(ended).rejects.toThrow("enough");
  });
});

test("the majority is the commonest class with its part", async () => {
  const baseline = majority();
  await baseline.fit({ ...waves(3), targets: ["a", "b", "b"] });
  const guesses = await baseline.predict(waves(2));
  expect(guesses).toEqual(Array(2).fill({ label: "b", probabilities: { a: 1 / 3, b: 2 / 3 } }));
});

test("a network learns waves, tells its losses, and is the same for the same seed", async () => {
  const make = () =>
    networkClassifier({ classes: ["fast", "slow"], layers: [{ cell: "lstm", units: 8 }], training: { epochs: 15, batchSize: 8, optimizer: { kind: "adam", learningRate: 0.02 } }, seed: 3, validation: waves(6, 0.2) });
  const [first, second] = [make(), make()];
  for (const network of [first, second]) await network.fit(waves(40));
  const guesses = await first.predict(waves(20, 0.1));
  expect(guesses.filter(({ label }, n) => label === (n % 2 ? "slow" : "fast")).length).toBeGreaterThanOrEqual(19);
  expect(await second.predict(waves(20, 0.1))).toEqual(guesses);
  expect(first.epochs).toHaveLength(15);
  expect(first.epochs?.at(-1)?.loss).toBeLessThan(first.epochs?.[0]?.loss ?? 0);
  expect(first.epochs?.at(-1)?.validation).toBeLessThan(0.3);
  // 4 gates of 8 units, 2 inputs, two biases; 8 × 2 + 2 above. The input's scaling is not learned.
  expect(first.parameters).toBe(4 * 8 * (2 + 8 + 2) + 18);
  first.dispose?.();
  second.dispose?.();
});

describe("bad input", () => {
  const good = waves(4);
  const bads: [string, string, LabelledSeries][] = [
    ["invalid_option", "train.x", { ...good, x: [1] as never }],
    ["shape_mismatch", "train.shape", { ...good, shape: [4, 12, 3] }],
    ["invalid_option", "train.shape", { ...good, shape: [4, 24] as never }],
    ["empty_data", "train.x", { x: new Float32Array(0), shape: [0, 12, 2], targets: [] }],
    ["invalid_length", "train.lengths[1]", { ...good, lengths: [8, 13, 8, 8] }],
    ["shape_mismatch", "train.lengths", { ...good, lengths: [8] }],
    ["shape_mismatch", "train.targets", { ...good, targets: ["fast"] }],
    ["not_finite", "train.x[26]", { ...good, x: good.x.map((value, i) => (i === 26 ? NaN : value)) }],
    ["shape_mismatch", "train.statics", { ...good, statics: new Float32Array(3) }],
  ];

  test.each(bads)("%s at %s", async (code, path, data) => {
    for (const baseline of [majority(), logisticRegression(), nearestNeighbour({ distance: "dtw" })]) {
      await refused(code, path, () => baseline.fit(data));
    }
  });

  test("what stands in the padding is not looked at", async () => {
    const x = good.x.map((value, i) => (i % 24 >= 23 ? NaN : value));
    await nearestNeighbour({ distance: "euclidean" }).fit({ ...good, x });
    expect(x.some(Number.isNaN)).toBe(true);
  });

  test("options, predictions before fit, and other channels than learned", async () => {
    await refused("invalid_option", "window", () => nearestNeighbour({ distance: "dtw", window: 2 }));
    await refused("invalid_option", "distance", () => nearestNeighbour({ distance: "manhattan" as never }));
    await refused("invalid_option", "c", () => logisticRegression({ c: 0 }));
    for (const baseline of [majority(), logisticRegression(), nearestNeighbour({ distance: "dtw" })]) {
      await refused("invalid_option", "", () => baseline.predict(good));
    }
    const neighbour = nearestNeighbour({ distance: "dtw" });
    await neighbour.fit(good);
    await refused("shape_mismatch", "test.shape", () => neighbour.predict({ x: new Float32Array(12), shape: [1, 12, 1] }));
  });
});
