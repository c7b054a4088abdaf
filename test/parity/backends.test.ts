// The two backends against each other: the same model, data and seed must come to the same numbers, within what float32
// sums in another order may differ by.

import { type BackendName, type Model, loadModel } from "gatewise";
import { expect, test } from "vitest";

import { BACKENDS, type Direction, probabilitiesOf, risingOrFalling, smallModel } from "../facade/support.js";

const options = { epochs: 5, batchSize: 16, optimizer: { kind: "adam", learningRate: 0.01 } } as const;

async function trained(backend: BackendName): Promise<{ model: Model<Direction>; losses: readonly number[] }> {
  const model = await smallModel(backend);
  const { losses } = await model.fit(risingOrFalling(200), { ...options, clipNorm: 1 });
  return { model, losses };
}

test("both start from the same weights, to the bit", async () => {
  const [native, wasm] = await Promise.all(BACKENDS.map(smallModel));
  expect(wasm?.parameters()).toEqual(native?.parameters());
  expect(wasm?.definition).toEqual(native?.definition);
});

test("every loss agrees within 1e-4", async () => {
  const native = await trained("native");
  const wasm = await trained("wasm");
  expect(wasm.losses).toHaveLength(native.losses.length);
  for (const [step, loss] of native.losses.entries()) {
    expect(Math.abs((wasm.losses[step] ?? Number.NaN) - loss) / loss, `step ${step}`).toBeLessThan(1e-4);
  }
});

test.each(BACKENDS)("a file that %s wrote gives the same predictions on the other within 1e-5", async (writer) => {
  const { model } = await trained(writer);
  const data = risingOrFalling(50, 20, 9);
  const file = new Uint8Array(await model.save());
  const expected = await probabilitiesOf(model, data);
  for (const backend of BACKENDS) {
    using loaded = await loadModel<Direction>(file, { backend });
    // The file holds every bit of the weights, whoever reads it.
    expect(loaded.parameters()).toEqual(model.parameters());
    expect(new Uint8Array(await loaded.save())).toEqual(file);
    const found = await probabilitiesOf(loaded, data);
    if (backend === writer) expect(found).toEqual(expected);
    const differences = found.map((value, index) => Math.abs(value - (expected[index] ?? Number.NaN)));
    expect(Math.max(...differences)).toBeLessThan(1e-5);
  }
  model.dispose();
});

test("evaluate agrees", async () => {
  const { model } = await trained("native");
  const data = risingOrFalling(100, 15, 4);
  using other = await loadModel<Direction>(await model.save(), { backend: "wasm" });
  const [native, wasm] = [await model.evaluate(data), await other.evaluate(data)];
  expect(wasm.confusion).toEqual(native.confusion);
  expect(wasm.loss).toBeCloseTo(native.loss, 5);
  expect(wasm.auc).toBeCloseTo(native.auc ?? Number.NaN, 5);
  model.dispose();
});
