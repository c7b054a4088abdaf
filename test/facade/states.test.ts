// States in and out of a model, and training whose states are carried on: `states`, `backpropagationSteps`, `stateful`.

import { type States, createModel } from "gatewise";
import { describe, expect, test } from "vitest";

import { BACKENDS, expectError, randomNumbers } from "./support.js";

const [N, STEPS, FEATURES] = [3, 8, 2];
const random = randomNumbers(17);
const x = Float32Array.from({ length: N * STEPS * FEATURES }, () => random());

/** Steps `start` to `end` of each sequence. */
function part(start: number, end: number) {
  const rows = Array.from({ length: N }, (_, n) => [...x.subarray((n * STEPS + start) * FEATURES, (n * STEPS + end) * FEATURES)]);
  return { x: new Float32Array(rows.flat()), shape: [N, end - start, FEATURES] as const };
}

const layers = [
  { cell: "lstm", units: 5, projection: 3 },
  { cell: "gru", units: 3, residual: true },
] as const;

const make = (backend: (typeof BACKENDS)[number]) =>
  createModel({ input: { features: FEATURES }, layers, output: { values: 1 }, seed: 3 }, { backend, threads: 1 });

function expectSame(found: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(found).toHaveLength(expected.length);
  for (const [index, value] of Array.from(expected).entries()) expect(found[index]).toBeCloseTo(value, 6);
}

describe.each(BACKENDS)("on the %s backend", (backend) => {
  test("a sequence goes on from call to call, whichever reads it", async () => {
    using model = await make(backend);
    const whole = await model.predict({ x, shape: [N, STEPS, FEATURES] });
    const states = model.states(N);
    await model.predict(part(0, 3), { states });
    model.run({ x: part(3, 4).x, states }, new Float32Array(N));
    const last = await model.predict(part(4, STEPS), { states });
    expectSame(last.map(({ values }) => values[0] ?? Number.NaN), whole.map(({ values }) => values[0] ?? Number.NaN));

    const again = model.states(N);
    await model.evaluate({ x, shape: [N, STEPS, FEATURES], targets: new Float32Array(N) }, { states: again });
    expectSame(again.data, states.data);
    again.reset();
    expect(again.data.every((value) => value === 0)).toBe(true);
  });

  test("states have PyTorch's shapes, one layer at a time", async () => {
    using model = await make(backend);
    const states = model.states(N);
    await model.predict({ x, shape: [N, STEPS, FEATURES] }, { states });
    const [lstm, gru] = [states.layer(0), states.layer(1)];
    expect([lstm.hidden.length, lstm.cell?.length, gru.hidden.length, gru.cell]).toEqual([N * 3, N * 5, N * 3, undefined]);
    // The second sequence alone.
    const alone = model.states(1);
    await model.predict({ x: x.slice(STEPS * FEATURES, 2 * STEPS * FEATURES), shape: [1, STEPS, FEATURES] }, { states: alone });
    expectSame(alone.layer(0).cell ?? [], lstm.cell?.subarray(5, 10) ?? []);
    expectSame(alone.layer(1).hidden, gru.hidden.subarray(3, 6));
    // What is set is what the next call begins from.
    const copy = model.states(N);
    copy.setLayer(0, lstm);
    copy.setLayer(1, gru);
    expect(copy.data).toEqual(states.data);
  });

  test("initial states reach both directions of a layer", async () => {
    using model = await createModel(
      { input: { features: FEATURES }, layers: [{ cell: "lstm", units: 2, bidirectional: true, merge: "mean" }], output: { values: 1 } },
      { backend },
    );
    const from = async (states: States) => (await model.predict(part(0, STEPS), { states })).map(({ values }) => values[0] ?? Number.NaN);
    const plain = await from(model.states(N));
    for (const direction of [0, 1]) {
      const states = model.states(N);
      const hidden = new Float32Array(2 * N * 2);
      hidden.fill(0.5, direction * N * 2, (direction + 1) * N * 2);
      states.setLayer(0, { hidden });
      expect(await from(states)).not.toEqual(plain);
    }
  });

  test("what does not fit is refused, and the states stay", async () => {
    using model = await make(backend);
    const states = model.states(N);
    await model.predict({ x, shape: [N, STEPS, FEATURES] }, { states });
    const before = states.data.slice();
    await expectError(() => model.predict({ x, shape: [N, STEPS, FEATURES] }, { states: model.states(2) }), "shape_mismatch", "states");
    const broken = x.with(40, Number.NaN);
    await expectError(() => model.predict({ x: broken, shape: [N, STEPS, FEATURES] }, { states }), "not_finite", "x[2][4][0]");
    await expectError(() => model.predict({ x, shape: [N, STEPS, FEATURES] }, { states: before as unknown as States }), "invalid_option", "states");
    await expectError(() => model.run({ x, states }, states.data.subarray(0, N)), "shared_buffer", "y");
    expect(states.data).toEqual(before);
    await expectError(() => model.states(0), "invalid_option", "n");
    await expectError(() => states.layer(2), "invalid_option", "index");
    await expectError(() => states.setLayer(1, { cell: new Float32Array(1) }), "shape_mismatch", "cell");
    states.data[0] = Number.NaN;
    await expectError(() => model.predict({ x, shape: [N, STEPS, FEATURES] }, { states }), "not_finite", "states[0]");
  });

  test("training goes back through some steps alone, or on from batch to batch", async () => {
    const targets = Float32Array.from({ length: 4 * STEPS }, (_, i) => Math.sin(i / 3));
    const long = { x: new Float32Array(4 * STEPS).map(() => random()), shape: [4, STEPS, 1] as const, targets };
    const each = { input: { features: 1 }, layers: [{ cell: "gru", units: 4 }], output: { values: 1, at: "each" } } as const;
    using truncated = await createModel(each, { backend });
    const history = await truncated.fit(long, { epochs: 2, batchSize: 2, backpropagationSteps: 3 });
    // Two epochs of two batches of three chunks.
    expect(history.steps).toBe(12);
    using carried = await createModel(each, { backend });
    expect((await carried.fit(long, { epochs: 2, batchSize: 2, stateful: true, shuffle: false })).steps).toBe(4);
    expect(carried.parameters()).not.toEqual(truncated.parameters());
    await expectError(() => carried.fit(long, { stateful: true }), "invalid_option", "options.stateful");
    await expectError(() => carried.fit(long, { stateful: true, shuffle: false, batchSize: 3 }), "invalid_option", "options.batchSize");
    using both = await createModel({ ...each, layers: [{ cell: "gru", units: 4, bidirectional: true }] }, { backend });
    await expectError(() => both.fit(long, { backpropagationSteps: 3 }), "invalid_option", "options.backpropagationSteps");
  });
});
