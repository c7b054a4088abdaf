// The learning rate as `fit` takes it: schedules, functions, groups of parameters; and the search for one.

import { type LearningRateStep, type Optimizer, createModel } from "gatewise";
import { describe, expect, test } from "vitest";

import { BACKENDS, definition, errorOf, expectError, risingOrFalling, smallModel, stateOf } from "./support.js";

const options = { epochs: 3, batchSize: 16 } as const;

describe.each(BACKENDS)("learning rates on %s", (backend) => {
  async function weightsAfter(optimizer: Optimizer) {
    using model = await smallModel(backend);
    await model.fit(risingOrFalling(50), { ...options, optimizer });
    return stateOf(model);
  }

  test("a function is asked once about each step, and is a table to the core", async () => {
    const asked: LearningRateStep[] = [];
    const learningRate = (at: LearningRateStep) => {
      asked.push(at);
      return 0.01 / (at.step + 1);
    };
    const bits = await weightsAfter({ kind: "adamw", learningRate });
    // 50 samples in batches of 16: 4 steps an epoch.
    expect(asked).toHaveLength(12);
    expect(asked[0]).toEqual({ step: 0, epoch: 0, totalSteps: 12 });
    expect(asked[7]).toEqual({ step: 7, epoch: 1, totalSteps: 12 });
    const rates = Array.from({ length: 12 }, (_, step) => 0.01 / (step + 1));
    expect(await weightsAfter({ kind: "adamw", learningRate: { schedule: "table", rates } })).toEqual(bits);
    expect(await weightsAfter({ kind: "adamw", learningRate: 0.01 })).not.toEqual(bits);
  });

  test("a function knows the steps of the core's defaults and of truncated sequences", async () => {
    using model = await smallModel(backend);
    let asked = 0;
    const optimizer = { kind: "sgd", learningRate: () => (asked++, 0.1) } as const;
    const { steps } = await model.fit(risingOrFalling(33), { optimizer });
    expect([asked, steps]).toEqual([20, 20]);
    asked = 0;
    const data = risingOrFalling(33);
    data.lengths.fill(12);
    data.x.fill(0.5);
    await model.fit(data, { ...options, optimizer, backpropagationSteps: 5 });
    expect(asked).toBe(3 * 3 * 3);
  });

  test("progress tells the learning rate", async () => {
    using model = await smallModel(backend);
    const told: number[] = [];
    await model.fit(risingOrFalling(50), {
      ...options,
      optimizer: { kind: "sgd", learningRate: { schedule: "exponential", rate: 0.5, factor: 0.5 } },
      onProgress: ({ learningRate }) => void told.push(learningRate),
    });
    expect(told.at(-1)).toBe(0.125);
  });

  test("what is frozen stays to the bit, and the rest moves", async () => {
    using model = await smallModel(backend);
    const before = model.parameters();
    const groups = [{ parameters: ["layers.0.*"], frozen: true }];
    await model.fit(risingOrFalling(50), { ...options, optimizer: { kind: "lion", groups } });
    for (const [name, { data }] of Object.entries(model.parameters())) {
      if (name.startsWith("layers.0.")) expect(data, name).toEqual(before[name]?.data);
      else expect(data, name).not.toEqual(before[name]?.data);
    }
  });

  test.each([
    ["sgd", { kind: "sgd", learningRate: 0.5, momentum: 0.9, nesterov: true }],
    ["rmsprop", { kind: "rmsprop", learningRate: 0.005, centered: true }],
    ["adam", { kind: "adam", learningRate: { schedule: "one-cycle", peak: 0.03 }, amsgrad: true }],
    ["adamw", { kind: "adamw", learningRate: { schedule: "cosine", rate: 0.03, warmup: { epochs: 1 } } }],
    ["lion", { kind: "lion", learningRate: { schedule: "polynomial", rate: 0.01 }, weightDecay: 0.1 }],
  ] satisfies [string, Optimizer][])("%s learns a separable problem", async (_name, optimizer) => {
    using model = await smallModel(backend);
    await model.fit(risingOrFalling(400), { epochs: 15, batchSize: 16, optimizer, clipNorm: 1, l2: 1e-5 });
    expect((await model.evaluate(risingOrFalling(200, 12, 99))).accuracy).toBeGreaterThan(0.95);
  });

  test("a search leaves the model as it was, and suggests what learns", async () => {
    using model = await smallModel(backend);
    const before = await stateOf(model);
    const range = await model.findLearningRate(risingOrFalling(400), { batchSize: 16 });
    expect(await stateOf(model)).toEqual(before);
    const { rates, losses, smoothed, suggestion } = range;
    expect([losses.length, smoothed.length]).toEqual([rates.length, rates.length]);
    expect(rates[0]).toBe(1e-7);
    for (const [step, rate] of rates.entries()) expect(rate / (1e-7 * 10 ** ((8 * step) / 99))).toBeCloseTo(1, 9);
    expect(suggestion).toBeGreaterThan(1e-4);
    // What falls again after the loss has exploded is no descent.
    expect(suggestion).toBeLessThan(rates[smoothed.indexOf(Math.min(...smoothed))] ?? 0);
    const history = await model.fit(risingOrFalling(400), {
      epochs: 10,
      batchSize: 16,
      optimizer: { kind: "adam", learningRate: suggestion ?? 0 },
    });
    expect(history.epochs.at(-1)?.accuracy).toBeGreaterThan(0.95);
  });

  test("a search ends where the loss explodes, also into NaN", async () => {
    using model = await createModel({ ...definition, output: { values: 1 } }, { backend });
    const { x, shape, lengths } = risingOrFalling(64);
    const data = { x, shape, lengths, targets: new Float32Array(64).fill(1) };
    const range = await model.findLearningRate(data, { to: 1e30, steps: 200, optimizer: { kind: "sgd" } });
    expect(range.rates.length).toBeLessThan(150);
    expect(range.losses.every((loss) => Number.isFinite(loss))).toBe(true);
    expect(range.suggestion).not.toBeNull();
  });

  test("the mean of losses makes up for its start", async () => {
    using model = await smallModel(backend);
    const { losses, smoothed } = await model.findLearningRate(risingOrFalling(64), { to: 1e-3, steps: 20, smoothing: 0.5 });
    const [a = 0, b = 0, c = 0] = losses;
    expect(smoothed[0]).toBeCloseTo(a, 12);
    expect(smoothed[1]).toBeCloseTo((a + 2 * b) / 3, 12);
    expect(smoothed[2]).toBeCloseTo((a + 2 * b + 4 * c) / 7, 12);
    expect(losses).toHaveLength(20);
  });

  test("a signal ends a search, and a model that is gone has none", async () => {
    using model = await smallModel(backend);
    const range = await model.findLearningRate(risingOrFalling(20), { signal: AbortSignal.abort() });
    expect([range.rates.length, range.suggestion]).toEqual([0, null]);
    expect(range.toSvg()).toContain("</svg>");
    model.dispose();
    await expectError(() => model.findLearningRate(risingOrFalling(20)), "model_disposed", "");
  });

  test("the picture shows every step and the suggestion", async () => {
    using model = await smallModel(backend);
    const range = await model.findLearningRate(risingOrFalling(200), { batchSize: 16, steps: 60 });
    const svg = range.toSvg();
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    const points = [...svg.matchAll(/points="([^"]*)"/g)].map(([, list = ""]) => list.split(" ").length);
    expect(points).toEqual([range.rates.length, range.rates.length]);
    expect(svg).toContain('class="suggestion"');
  });
});

describe("what cannot be", () => {
  const rate = (learningRate: unknown) => ({ kind: "adam", learningRate }) as Optimizer;
  const at = "options.optimizer.learningRate";

  test.each([
    ["a function that gives NaN", { optimizer: rate(() => Number.NaN) }, at, "it gave NaN for step 0 (epoch 0)"],
    ["one below zero", { optimizer: rate(({ step }: LearningRateStep) => 4 - step) }, at, "it gave -1 for step 5 (epoch 1)"],
    ["one that gives a text", { optimizer: rate(() => "0.1") }, at, "a finite number from 0 on"],
    ["one for too many steps", { optimizer: rate(() => 1), epochs: 1_000_000 }, at, "give a schedule instead"],
    ["one for a run that is none", { optimizer: rate(() => 1), epochs: -1 }, "options.epochs", "whole number"],
    ["a table that is too short", { optimizer: rate({ schedule: "table", rates: [1, 2] }) }, `${at}.rates`, "12 steps"],
    ["a schedule without what it needs", { optimizer: rate({ schedule: "step" }) }, `${at}.every`, "missing"],
    ["no learning rate", { optimizer: rate(Number.NaN) }, at, "give a number or an object"],
    ["a momentum of Adam's", { optimizer: { kind: "adam", momentum: 0.9 } }, "options.optimizer.momentum", "belongs to `sgd`"],
    [
      "a parameter in two groups",
      { optimizer: { kind: "sgd", groups: [{ parameters: ["*"] }, { parameters: ["output.bias"] }] } },
      "options.optimizer.groups[1].parameters[0]",
      "groups[0] already",
    ],
  ])("%s is refused, and the model is as it was", async (_what, given, path, part) => {
    using model = await smallModel("native");
    const before = await stateOf(model);
    const error = await errorOf(() => model.fit(risingOrFalling(50), { ...options, ...given } as never));
    expect([error.code, error.path]).toEqual(["invalid_option", path]);
    expect(error.message).toContain(part);
    expect(await stateOf(model)).toEqual(before);
  });

  test.each([
    ["from", { from: 0 }],
    ["to", { from: 1, to: 0.5 }],
    ["steps", { steps: 9 }],
    ["smoothing", { smoothing: 1 }],
    ["batchSize", { batchSize: 0 }],
    ["optimizer.kind", { optimizer: { kind: "adagrad" } }],
  ])("a search with a wrong %s is refused", async (field, given) => {
    using model = await smallModel("native");
    await expectError(() => model.findLearningRate(risingOrFalling(20), given as never), "invalid_option", `options.${field}`);
  });
});
