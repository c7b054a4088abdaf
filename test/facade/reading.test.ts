// What a model says: predict, run, stream, evaluate, parameters, summary.

import { type SummaryOptions, createModel, defineModel } from "gatewise";
import { beforeAll, describe, expect, test } from "vitest";

import {
  BACKENDS,
  type Problem,
  definition,
  probabilitiesOf,
  risingOrFalling,
  sameBits,
  smallModel,
} from "./support.js";

describe.each(BACKENDS)("reading a model on %s", (backend) => {
  let model: Awaited<ReturnType<typeof smallModel>>;
  const data = risingOrFalling(30);
  beforeAll(async () => {
    model = await smallModel(backend);
    await model.fit(risingOrFalling(100), { epochs: 3, optimizer: { kind: "adam", learningRate: 0.01 } });
    return () => model.dispose();
  });

  test("predictions name the most probable class and sum to one", async () => {
    const predictions = await model.predict(data);
    expect(predictions).toHaveLength(30);
    for (const { label, probabilities } of predictions) {
      expect(probabilities.falling + probabilities.rising).toBeCloseTo(1, 6);
      expect(probabilities[label]).toBe(Math.max(probabilities.falling, probabilities.rising));
    }
    expect(new Set(predictions.map(({ label }) => label))).toEqual(new Set(["falling", "rising"]));
  });

  test("a class may have any name, even that of an object's prototype", async () => {
    const classes = ["__proto__", "constructor", "7", "toString"];
    using named = await createModel({ ...definition, output: { classes } }, { backend });
    const [first] = await named.predict({ x: data.x, shape: data.shape, lengths: data.lengths });
    expect(Object.keys(first?.probabilities ?? {}).toSorted()).toEqual(classes.toSorted());
    expect(Object.getPrototypeOf(first?.probabilities)).toBe(Object.prototype);
    expect(Object.values(first?.probabilities ?? {}).reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
    expect(classes).toContain(first?.label);
  });

  test("run gives what predict gives, into the caller's array", async () => {
    const y = new Float32Array(60);
    expect(model.run(data.x, y, data.lengths)).toBe(y);
    expect(y).toEqual(await probabilitiesOf(model, data));
    // A part of larger arrays, in place.
    const [wide, out] = [new Float32Array(data.x.length + 7), new Float32Array(64)];
    wide.set(data.x, 7);
    model.run(wide.subarray(7), out.subarray(3, 63), data.lengths);
    expect(out.subarray(3, 63)).toEqual(y);
    expect([...out.subarray(0, 3), out[63]]).toEqual([0, 0, 0, 0]);
  });

  test("a stream predicts after each step what predict does for the sequence so far", async () => {
    const stream = model.stream();
    const other = model.stream();
    const [, steps] = data.shape;
    for (let sample = 0; sample < 3; sample++) {
      for (let step = 0; step < (data.lengths[sample] ?? 0); step++) {
        const features = data.x.slice((sample * steps + step) * 3, (sample * steps + step + 1) * 3);
        const next = stream.next(features);
        // Another stream of the same model has a state of its own.
        other.next(new Float32Array([step, -step, 1]));
        const soFar = data.x.subarray(sample * steps * 3, (sample * steps + step + 1) * 3);
        const [expected] = await model.predict({ x: soFar, shape: [1, step + 1, 3] });
        expect(next.label).toBe(expected?.label);
        // One step at a time sums in another order than a whole sequence may: a few units in the last place.
        expect(next.probabilities.rising).toBeCloseTo(expected?.probabilities.rising ?? Number.NaN, 5);
      }
      stream.reset();
    }
    const y = new Float32Array(2);
    const first = data.x.slice(0, 3);
    expect(stream.run(first, y)).toBe(y);
    stream.reset();
    const { probabilities } = stream.next(first);
    expect([probabilities.falling, probabilities.rising]).toEqual([...y]);
    stream.dispose();
    stream.dispose();
    expect(() => stream.next(first)).toThrow(/stream was disposed of/);
    expect(other.next(first).label).toBeDefined();
  });

  test("what stands in the padding changes nothing", async () => {
    const expected = await model.predict(data);
    for (const filler of [0, 1e30, Number.POSITIVE_INFINITY]) {
      const x = data.x.map((value) => (Number.isNaN(value) ? filler : value));
      expect(await model.predict({ ...data, x })).toEqual(expected);
    }
    // Nor does the amount of padding.
    const wider = padded(data, 5);
    expect(await model.predict(wider)).toEqual(expected);
    // Training: both see the same valid steps, so they do the same.
    const [one, two] = [await smallModel(backend), await smallModel(backend)];
    const zeros = { ...data, x: data.x.map((value) => (Number.isNaN(value) ? 0 : value)) };
    const options = { epochs: 2, batchSize: 8 };
    expect((await two.fit(zeros, options)).losses).toEqual((await one.fit(data, options)).losses);
    one.dispose();
    two.dispose();
  });

  test("a long predict is cut into turns, and the cuts do not show", async () => {
    using model = await createModel({ ...definition, layers: [{ cell: "lstm", units: 64 }] }, { backend });
    const many = risingOrFalling(3000, 40);
    let turns = 0;
    let counting = setImmediate(function count() {
      turns += 1;
      counting = setImmediate(count);
    });
    const y = new Float32Array(6000);
    const predicted = await probabilitiesOf(model, many);
    clearImmediate(counting);
    model.run(many.x, y, many.lengths);
    expect(sameBits(predicted, y)).toBe(true);
    // 17,500 parameters, 40 steps: the first slice holds 338 sequences, and each at most twice as many as the one before.
    expect(turns).toBeGreaterThanOrEqual(3);
  });

  test("evaluate counts what predict says", async () => {
    const report = await model.evaluate(data);
    const predictions = await model.predict(data);
    const confusion = [
      [0, 0],
      [0, 0],
    ];
    const index = { falling: 0, rising: 1 };
    let loss = 0;
    for (const [sample, { label, probabilities }] of predictions.entries()) {
      const target = data.targets[sample] ?? "falling";
      const row = confusion[index[target]];
      if (row) row[index[label]] = (row[index[label]] ?? 0) + 1;
      loss -= Math.log(probabilities[target]) / 30;
    }
    expect(report.samples).toBe(30);
    expect(report.confusion).toEqual(confusion);
    expect(report.accuracy).toBeCloseTo(((confusion[0]?.[0] ?? 0) + (confusion[1]?.[1] ?? 0)) / 30, 12);
    expect(report.loss).toBeCloseTo(loss, 6);
  });

  test("parameters have PyTorch's names and shapes and are copies", async () => {
    const parameters = model.parameters();
    const shapes = Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, shape]));
    expect(shapes).toEqual({
      "layers.0.weight_ih_l0": [32, 3],
      "layers.0.weight_hh_l0": [32, 8],
      "layers.0.bias_ih_l0": [32],
      "layers.0.bias_hh_l0": [32],
      "layers.1.weight_ih_l0": [20, 8],
      "layers.1.weight_hh_l0": [20, 5],
      "layers.1.bias_ih_l0": [20],
      "layers.1.bias_hh_l0": [20],
      "output.weight": [2, 5],
      "output.bias": [2],
    });
    for (const { shape, data: numbers } of Object.values(parameters)) {
      expect(numbers).toHaveLength(shape.reduce((product, size) => product * size, 1));
      expect(numbers.some((value) => value !== 0)).toBe(true);
    }
    const before = await model.predict(data);
    for (const { data: numbers } of Object.values(parameters)) numbers.fill(Number.NaN);
    expect(await model.predict(data)).toEqual(before);
    expect(model.parameters()["output.bias"]?.data[0]).not.toBeNaN();
  });

  test("the summary counts what the parameters hold", () => {
    const total = Object.values(model.parameters()).reduce((sum, { data: numbers }) => sum + numbers.length, 0);
    const lines = model.summary({ batchSize: 16, steps: 9 }).split("\n");
    expect(lines.slice(0, -2)).toEqual([
      "layer            output shape   parameters  multiply-adds a step  path",
      "───────────────────────────────────────────────────────────────────────",
      "input            [n, steps, 3]           0                     0",
      "layers.0: lstm   [n, steps, 8]         416                   352  fused",
      "layers.1: lstm   [n, 5]                300                   260  fused",
      "output: softmax  [n, 2]                 12                    10",
      "───────────────────────────────────────────────────────────────────────",
      "total                                  728                   622",
    ]);
    expect(lines.at(-2)).toMatch(/^memory for training: [\d.]+ [KM]B, in batches of 16 sequences of 9 steps$/);
    expect(lines.at(-1)).toMatch(/^ {2}weights, gradients and the optimiser's state 11\.6 KB, packed weights [\d.]+ KB, activations [\d.]+ [KM]B$/);
    const megabytes = (options: SummaryOptions) => Number(/training: ([\d.]+) MB/.exec(model.summary(options))?.[1]);
    expect(megabytes({ batchSize: 640, steps: 1000 }) / megabytes({ batchSize: 64, steps: 1000 })).toBeCloseTo(10, 0);
    for (const batchSize of [0, -1, 1.5, Number.NaN]) {
      expect(() => model.summary({ batchSize })).toThrow(expect.objectContaining({ code: "invalid_option", path: "options.batchSize" }));
    }
    expect(total).toBe(728);
  });

  test("the definition comes back whole, with its defaults, frozen", async () => {
    const layers = definition.layers.map((layer) => ({ ...layer, bidirectional: false }));
    expect(model.definition).toEqual({ ...definition, layers, input: { features: 3, scaling: "none" } });
    expect(() => Object.assign(model.definition.input, { features: 4 })).toThrow(TypeError);
    expect(model.backend).toMatchObject({ name: backend, isa: expect.any(String), threads: expect.any(Number) });
    expect(model.backend.reason).toContain(backend);
  });

  test("scaling is fitted once, from the training data", async () => {
    const scaled = await createModel({ ...definition, input: { features: 3, scaling: "standard" } }, { backend });
    const shifted = { ...data, x: data.x.map((value) => value * 10 + 100) };
    await scaled.fit(shifted, { epochs: 1 });
    const { "input.mean": mean, "input.deviation": deviation } = scaled.parameters();
    expect(mean?.data[0]).toBeCloseTo(100, -1);
    expect(deviation?.data[0]).toBeGreaterThan(1);
    await scaled.fit(data, { epochs: 1 });
    expect(scaled.parameters()["input.mean"]?.data).toEqual(mean?.data);
    expect(scaled.summary()).toContain("input, scaled");
    scaled.dispose();
  });
});

test("defineModel copies, freezes and loads nothing", () => {
  const mutable = { input: { features: 2 }, layers: [{ cell: "lstm" as const, units: 3 }], output: { classes: ["a", "b"] } };
  const defined = defineModel(mutable);
  mutable.layers.push({ cell: "lstm", units: 9 });
  expect(defined.layers).toHaveLength(1);
  expect(Object.isFrozen(defined) && Object.isFrozen(defined.layers[0]) && Object.isFrozen(defined.output.classes)).toBe(true);
});

/** The same sequences with `more` steps of padding. */
function padded(data: Problem, more: number): Problem {
  const [n, steps, features] = data.shape;
  const x = new Float32Array(n * (steps + more) * features).fill(Number.NaN);
  for (let sample = 0; sample < n; sample++) {
    const row = data.x.subarray(sample * steps * features, (sample + 1) * steps * features);
    x.set(row, sample * (steps + more) * features);
  }
  return { ...data, x, shape: [n, steps + more, features] };
}
