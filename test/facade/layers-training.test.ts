// `gatewise/layers` in training: masks drawn from the layer's seed, or given. test/facade/layers-alone.test.ts holds what comes of
// given ones to PyTorch.

import { type BackendName, type Layer, type LayerBatch, type LayerDefinition, type LayerStates, createLayer } from "gatewise/layers";
import { describe, expect, test } from "vitest";

import { BACKENDS, expectError, randomNumbers, sameBits } from "./support.js";

const random = randomNumbers(9);
const numbers = (length: number): Float32Array => Float32Array.from({ length }, random);

const definition = {
  cell: "lstm",
  units: 4,
  projection: 3,
  bidirectional: true,
  recurrentDropout: 0.5,
  weightDropout: 0.25,
  zoneout: { hidden: 0.25, cell: 0.5 },
} as const satisfies LayerDefinition;
const batch = { x: numbers(30), shape: [3, 5, 2], lengths: [5, 2, 4] } satisfies LayerBatch;
/** Nothing dropped, nothing kept. */
const masks = {
  recurrent: numbers(2 * 3 * 3).fill(1),
  keepHidden: numbers(3 * 5 * 6).fill(0),
  keepCell: numbers(3 * 5 * 8).fill(0),
  weight: numbers(2 * 16 * 3).fill(1),
};

const open = (backend: BackendName, seed = 1): Promise<Layer<"lstm">> => createLayer(definition, { inputs: 2, seed, backend });
const loss = ({ hidden, finalCell }: LayerStates<"lstm">): number => [...hidden, ...finalCell].reduce((sum, value) => sum + value, 0);

test("both backends draw the same masks from a seed", async () => {
  const states = await Promise.all(
    BACKENDS.map(async (backend) => {
      using layer = await open(backend);
      layer.forward({ ...batch, training: true });
      return layer.forward({ ...batch, training: true }).hidden;
    }),
  );
  const [first = numbers(0), second = numbers(0)] = states;
  expect(Math.max(...first.map((value, index) => Math.abs(value - (second[index] ?? Number.NaN))))).toBeLessThan(2e-6);
});

describe.each(BACKENDS)("on the %s backend", (backend) => {
  test("a layer of the same seed repeats its training passes, and predicts in between", async () => {
    using layer = await open(backend);
    using again = await open(backend);
    using other = await open(backend, 2);
    other.setParameters(layer.parameters());
    const predicted = layer.forward(batch).hidden;
    const passes = [1, 2, 3].map(() => layer.forward({ ...batch, training: true }).hidden);
    for (const hidden of passes) {
      expect(sameBits(again.forward({ ...batch, training: true }).hidden, hidden)).toBe(true);
      expect(sameBits(again.forward({ ...batch, training: false }).hidden, predicted)).toBe(true);
    }
    const [first, second] = passes;
    expect(first).not.toEqual(second);
    expect(first).not.toEqual(predicted);
    expect(other.forward({ ...batch, training: true }).hidden).not.toEqual(first);
  });

  test("gradients are those under the masks that were drawn", async () => {
    using layer = await open(backend);
    /** The loss of a first training pass with one parameter moved by 2⁻⁶ this way or that. */
    const lossWith = async (name: string, index: number, by: number): Promise<number> => {
      using fresh = await open(backend);
      const { data } = fresh.parameters()[name] ?? { data: numbers(0) };
      fresh.setParameters({ [name]: data.with(index, (data[index] ?? 0) + by) });
      return loss(fresh.forward({ ...batch, training: true }));
    };
    layer.forward({ ...batch, training: true });
    const { parameters } = layer.backward({ hidden: numbers(90).fill(1), finalCell: numbers(24).fill(1) });
    let dropped = 0;
    for (const [name, index] of [["weight_ih_l0", 3], ["bias_ih_l0_reverse", 6], ...[0, 1, 2, 3, 4, 5].map((at) => ["weight_hh_l0", at] as const)] as const) {
      const gradient = parameters[name]?.data[index] ?? Number.NaN;
      const difference = (await lossWith(name, index, 2 ** -6)) - (await lossWith(name, index, -(2 ** -6)));
      expect(difference * 2 ** 5, `${name}[${index}]`).toBeCloseTo(gradient, 3);
      if (gradient === 0) dropped++;
    }
    // Of six recurrent weights some are dropped, and the numbers above stay the same for ever.
    expect(dropped).toBeGreaterThan(0);
    expect(dropped).toBeLessThan(6);
  });

  test("masks that drop nothing make it a plain layer, and each of them counts", async () => {
    using layer = await open(backend);
    using plain = await createLayer({ cell: "lstm", units: 4, projection: 3, bidirectional: true }, { inputs: 2, seed: 1, backend });
    const { hidden } = plain.forward(batch);
    expect(sameBits(layer.forward({ ...batch, masks }).hidden, hidden)).toBe(true);
    for (const [name, mask] of Object.entries(masks)) {
      // The last direction's last number of the first sequence, whose steps all count.
      const index = { recurrent: 9 + 2, keepHidden: 4 * 6 - 1, keepCell: 4 * 8 - 1, weight: mask.length - 1 }[name] ?? 0;
      const changed = { ...masks, [name]: mask.with(index, 1 - (mask[index] ?? 0)) };
      expect(layer.forward({ ...batch, masks: changed }).hidden, name).not.toEqual(hidden);
    }
    const padded = { ...masks, keepHidden: masks.keepHidden.slice().fill(Number.NaN, 7 * 6, 10 * 6) };
    expect(sameBits(layer.forward({ ...batch, masks: padded }).hidden, hidden)).toBe(true);
    expect(sameBits(plain.forward({ ...batch, training: true }).hidden, hidden)).toBe(true);
    expect(sameBits(plain.forward({ ...batch, masks: {} }).hidden, hidden)).toBe(true);
  });

  const shared = new Float32Array(new SharedArrayBuffer(4 * 18));
  const { recurrent: _recurrent, ...others } = masks;
  const bad: [what: string, change: object, code: string, path: string][] = [
    ["masks beside training", { masks, training: true }, "invalid_option", "masks"],
    ["masks where training is denied", { masks, training: false }, "invalid_option", "masks"],
    ["training that is no yes or no", { training: 1 }, "invalid_option", "training"],
    ["masks that are no object", { masks: [masks.recurrent] }, "invalid_option", "masks"],
    ["a mask that there is not", { masks: { ...masks, cell: masks.keepCell } }, "invalid_option", "masks.cell"],
    ["a mask in a plain array", { masks: { ...masks, recurrent: [...masks.recurrent] } }, "invalid_option", "masks.recurrent"],
    ["a mask in shared memory", { masks: { ...masks, recurrent: shared } }, "shared_buffer", "masks.recurrent"],
    ["a mask that is missing", { masks: others }, "shape_mismatch", "masks.recurrent"],
    ["a mask too long", { masks: { ...masks, keepCell: numbers(121) } }, "shape_mismatch", "masks.keepCell"],
    ["a mask that is NaN", { masks: { ...masks, weight: masks.weight.with(95, Number.NaN) } }, "not_finite", "masks.weight[1][15][2]"],
    ["a mask that is infinite", { masks: { ...masks, keepHidden: masks.keepHidden.with(36, Infinity) } }, "not_finite", "masks.keepHidden[1][1][0]"],
  ];
  test.each(bad)("refuses %s, and stays as it was", async (_what, change, code, path) => {
    using layer = await open(backend);
    using untouched = await open(backend);
    const gradients = { hidden: numbers(90).fill(1) };
    for (const each of [layer, untouched]) each.forward({ ...batch, training: true });
    await expectError(() => layer.forward({ ...batch, ...change } as LayerBatch), code as Parameters<typeof expectError>[1], path);
    expect(layer.backward(gradients)).toEqual(untouched.backward(gradients));
    expect(layer.forward({ ...batch, training: true })).toEqual(untouched.forward({ ...batch, training: true }));
  });

  test("refuses masks of options that it has not", async () => {
    using plain = await createLayer({ cell: "gru", units: 3, zoneout: { hidden: 0.5 } }, { inputs: 2, backend });
    const { message } = await expectError(
      () => plain.forward({ ...batch, masks: { keepHidden: numbers(45), keepCell: numbers(60) } }),
      "shape_mismatch",
      "masks.keepCell",
    );
    expect(message).toContain("no zoneout.cell: leave masks.keepCell out");
  });
});
