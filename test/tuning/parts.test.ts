// The parts of the search that are arithmetic: what is drawn, where it goes, how a budget is spent.

import { describe, expect, test } from "vitest";

import { applyParameters } from "../../dist/tuning/apply.js";
import { drawTrials, valueAt } from "../../dist/tuning/draw.js";
import { rungsOf } from "../../dist/tuning/plan.js";
import { SPACE } from "./support.js";

describe("what is drawn", () => {
  test("depends on the seed, the trial and the parameter alone", () => {
    const five = drawTrials(SPACE, 5, 7);
    expect(drawTrials(SPACE, 9, 7).slice(0, 5)).toEqual(five);
    expect(drawTrials(SPACE, 5, 8)).not.toEqual(five);
    const { cell, units } = SPACE;
    const fewer = drawTrials({ units: units ?? { choice: [0] }, cell: cell ?? { choice: [0] } }, 5, 7);
    expect(fewer.map((trial) => trial["units"])).toEqual(five.map((trial) => trial["units"]));
  });

  test("fills its ranges evenly, on the scale that they have", () => {
    const at = (dimension: Parameters<typeof valueAt>[0]) => Array.from({ length: 1000 }, (_, i) => Number(valueAt(dimension, i / 1000)));
    const count = (values: number[], from: number, to: number) => values.filter((value) => value >= from && value < to).length;
    const whole = at({ integer: [1, 4] });
    expect([1, 2, 3, 4].map((n) => count(whole, n, n + 1))).toEqual([250, 250, 250, 250]);
    const log = at({ integer: [16, 127], scale: "log" });
    for (const from of [16, 32, 64]) expect(Math.abs(count(log, from, 2 * from) - 1000 / 3)).toBeLessThan(2);
    const rates = at({ logUniform: [1e-4, 1e-1] });
    for (const power of [-4, -3, -2]) expect(Math.abs(count(rates, 10 ** power, 10 ** (power + 1)) - 1000 / 3)).toBeLessThan(2);
    const all = [...whole, ...log, ...rates, ...at({ uniform: [-1, 0.5] })];
    expect(Math.min(...at({ uniform: [-1, 0.5] }))).toBe(-1);
    expect(Math.max(...all)).toBe(127);
  });

  test("is no trial twice: a small space has fewer than were asked for", () => {
    const trials = drawTrials({ cell: { choice: ["lstm", "gru"] }, units: { integer: [1, 3] } }, 50, 1);
    expect(trials).toHaveLength(6);
    expect(new Set(trials.map((trial) => JSON.stringify(trial)))).toHaveLength(6);
  });
});

describe("where it goes", () => {
  const base = {
    definition: { input: { features: 1 }, layers: [{ cell: "lstm", units: 4, bias: false }, { cell: "gru", units: 5 }], output: { values: 1 } },
    options: { clipNorm: 1 },
  } as const;
  const apply = (parameters: Parameters<typeof applyParameters>[1]) => applyParameters(structuredClone(base) as never, parameters);

  test("each parameter has its place, and the base is left alone", () => {
    const parameters = { units: 8, learningRate: 0.1, layers: 3, dropout: 0.2, batchSize: 4, "definition.layers.1.cell": "rnn", "options.loss.kind": "mae" };
    expect(apply(parameters)).toEqual({
      definition: {
        input: { features: 1 },
        layers: [
          { cell: "lstm", units: 8, bias: false },
          { cell: "rnn", units: 8, dropout: 0.2 },
          { cell: "gru", units: 8, dropout: 0.2 },
        ],
        output: { values: 1, dropout: 0.2 },
      },
      options: { clipNorm: 1, optimizer: { kind: "adam", learningRate: 0.1 }, batchSize: 4, loss: { kind: "mae" } },
    });
    expect(apply({ layers: 1 }).definition.layers).toEqual([base.definition.layers[0]]);
  });

  test.each([
    [{ layers: 0 }, "space.layers", "how many layers"],
    [{ layers: "two" }, "space.layers", '"two"'],
    [{ "options.clipNorm.kind": 1 }, "space.options.clipNorm.kind", "leads through clipNorm, which is 1"],
    [{ "definition.layers.5.units": 1 }, "space.definition.layers.5.units", "beyond the list's 2 entries"],
  ])("%j has none", (parameters, path, message) => {
    expect(() => apply(parameters)).toThrow(expect.objectContaining({ code: "invalid_option", path, message: expect.stringContaining(message) }));
  });
});

describe("how a budget is spent", () => {
  // Li et al. 2018, table 1: R = 81, η = 3, the bracket s = 4.
  test("as in Hyperband's table", () => {
    expect(rungsOf("halving", { trials: 81, epochs: 81 })).toEqual([
      { trials: 81, epochs: 1 },
      { trials: 27, epochs: 3 },
      { trials: 9, epochs: 9 },
      { trials: 3, epochs: 27 },
      { trials: 1, epochs: 81 },
    ]);
  });

  test("with another reduction, a minimum, or none at all", () => {
    expect(rungsOf("halving", { trials: 10, epochs: 20, reduction: 2, minimumEpochs: 4 })).toEqual([
      { trials: 10, epochs: 5 },
      { trials: 5, epochs: 10 },
      { trials: 2, epochs: 20 },
    ]);
    expect(rungsOf("halving", { trials: 2, epochs: 20 })).toEqual([{ trials: 2, epochs: 20 }]);
    expect(rungsOf("random", { trials: 81, epochs: 81 })).toEqual([{ trials: 81, epochs: 81 }]);
  });
});
