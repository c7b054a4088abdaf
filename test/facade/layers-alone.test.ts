// `gatewise/layers`: a layer by itself against PyTorch's float64 numbers and finite differences, and all that can go wrong.

import { GatewiseError, createModel } from "gatewise";
import { type BackendName, type Layer, type LayerBatch, type LayerDefinition, createLayer } from "gatewise/layers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { GRADIENTS_BOUND, STATES_BOUND, type StackVectors, measureBackward, measureForward, openStack, stackFiles, stacksOf } from "../vectors/pytorch.js";
import { BACKENDS, expectError, randomNumbers, sameBits } from "./support.js";

const random = randomNumbers(5);
const numbers = (length: number): Float32Array => Float32Array.from({ length }, random);

describe.each(BACKENDS)("on the %s backend", (backend) => {
  test.each(stackFiles())("%s: equals PyTorch forward and backward", async (file) => {
    for (const vectors of stacksOf(file)) await expectEqual(vectors, backend);
  });

  test("a bidirectional layer's gradients are finite differences of its loss", async () => {
    using layer = await createLayer({ cell: "lstm", units: 3, bidirectional: true }, { inputs: 2, seed: 3, backend });
    const batch = { x: numbers(12), shape: [2, 3, 2], lengths: [3, 2], initialHidden: numbers(12) } as const;
    const [hidden, finalHidden, finalCell] = [numbers(36), numbers(12), numbers(12)];
    const loss = (): number => {
      const states = layer.forward(batch);
      return dot(states.hidden, hidden) + dot(states.finalHidden, finalHidden) + dot(states.finalCell, finalCell);
    };
    loss();
    const gradients = layer.backward({ hidden, finalHidden, finalCell });
    /** Both ways by 2⁻⁶: the error is a third derivative's 2⁻¹² / 6 and f32's 6e-8 · 2⁶. */
    const difference = (set: (by: number) => void): number => {
      const [above, below] = [2 ** -6, -(2 ** -6)].map((by) => {
        set(by);
        return loss();
      });
      set(0);
      return ((above ?? 0) - (below ?? 0)) * 2 ** 5;
    };
    for (const [name, { data }] of Object.entries(layer.parameters())) {
      for (const index of [0, data.length - 1]) {
        const change = (by: number) => layer.setParameters({ [name]: data.with(index, (data[index] ?? 0) + by) });
        expect(difference(change), name).toBeCloseTo(gradients.parameters[name]?.data[index] ?? Number.NaN, 3);
      }
    }
    for (const [array, gradient] of [[batch.x, gradients.x], [batch.initialHidden, gradients.initialHidden]] as const) {
      const value = array[5] ?? 0;
      expect(difference((by) => void (array[5] = value + by))).toBeCloseTo(gradient[5] ?? Number.NaN, 3);
    }
    // The second sequence ends after its second step.
    expect([...gradients.x.subarray(10)]).toEqual([0, 0]);
  });

  test("starts with the weights of the first layer of a model of the same seed", async () => {
    const definition = { cell: "gru", units: 5, bidirectional: true } as const;
    using layer = await createLayer(definition, { inputs: 3, seed: 11, backend });
    using model = await createModel({ input: { features: 3 }, layers: [definition], output: { classes: ["a", "b"] }, seed: 11 }, { backend });
    const expected = Object.entries(model.parameters()).filter(([name]) => name.startsWith("layers."));
    expect(layer.parameters()).toEqual(Object.fromEntries(expected.map(([name, tensor]) => [name.replace("layers.0.", ""), tensor])));
    expect(layer.definition).toEqual(definition);
    expect([layer.inputs, layer.outputs]).toEqual([3, 10]);
    expect(layer.backend).toMatchObject({ name: backend, threads: expect.any(Number) });
  });

  test("cell states are an LSTM's alone", async () => {
    using lstm = await createLayer({ cell: "lstm", units: 4 }, { inputs: 2, backend });
    using gru = await createLayer({ cell: "gru", units: 4 }, { inputs: 2, backend });
    const batch = { x: numbers(4), shape: [1, 2, 2] } as const;
    const finalCell: Float32Array = lstm.forward(batch).finalCell;
    expect(finalCell).toHaveLength(4);
    const none: undefined = gru.forward(batch).finalCell;
    expect(none).toBeUndefined();
    expect(gru.backward({ finalHidden: numbers(4) }).initialCell).toBeUndefined();
    await expectError(() => gru.forward({ ...batch, initialCell: numbers(4) }), "shape_mismatch", "initialCell");
  });

  describe("a layer", () => {
    const definition: LayerDefinition = { cell: "lstm", units: 4, bidirectional: true };
    const good = { x: numbers(30), shape: [3, 5, 2], lengths: [5, 2, 4] } satisfies LayerBatch;
    let layer: Layer;
    beforeEach(async () => {
      layer = await createLayer(definition, { inputs: 2, seed: 1, backend });
    });
    afterEach(() => layer.dispose());

    test("reads nothing of the padding and leaves zeros there", () => {
      const padded = { ...good, x: good.x.slice() };
      padded.x.fill(Number.NaN, 14, 20).fill(Infinity, 28);
      const states = layer.forward(padded);
      expect(states).toEqual(layer.forward(good));
      expect([...states.hidden.subarray(7 * 8, 10 * 8)].every((value) => value === 0)).toBe(true);
      const hidden = numbers(3 * 5 * 8);
      const expected = layer.backward({ hidden });
      layer.forward(padded);
      expect(layer.backward({ hidden: hidden.slice().fill(Number.NaN, 7 * 8, 10 * 8) })).toEqual(expected);
      expect([...expected.x.subarray(14, 20)]).toEqual([0, 0, 0, 0, 0, 0]);
    });

    test("takes new weights whole or in part, and goes back through those it ran with", () => {
      const before = layer.parameters();
      layer.forward(good);
      const gradients = layer.backward({ finalHidden: numbers(24).fill(1) });
      layer.forward(good);
      const bias = numbers(16);
      layer.setParameters({ bias_hh_l0_reverse: bias });
      expect(layer.backward({ finalHidden: numbers(24).fill(1) })).toEqual(gradients);
      const after = layer.parameters();
      expect(after).toEqual({ ...before, bias_hh_l0_reverse: { shape: [16], data: bias } });
      expect(sameBits(layer.forward(good).hidden, layer.forward(good).hidden)).toBe(true);
      layer.setParameters(before);
      expect(layer.parameters()).toEqual(before);
    });

    const shared = new Float32Array(new SharedArrayBuffer(120));
    const badBatches: [what: string, change: object, code: string, path: string][] = [
      ["wrong rank", { shape: [15, 2] }, "shape_mismatch", "shape"],
      ["wrong number of inputs", { shape: [3, 2, 5] }, "shape_mismatch", "shape[2]"],
      ["a shape that does not fit", { shape: [4, 5, 2] }, "shape_mismatch", "shape"],
      ["no sample", { x: new Float32Array(0), shape: [0, 5, 2] }, "empty_data", "x"],
      ["numbers in a plain array", { x: [...good.x] }, "invalid_option", "x"],
      ["shared memory", { x: shared }, "shared_buffer", "x"],
      ["lengths that overlap x", { lengths: new Uint32Array(good.x.buffer, 0, 3) }, "shared_buffer", "lengths"],
      ["a length beyond the steps", { lengths: [5, 6, 1] }, "invalid_length", "lengths[1]"],
      ["NaN", { x: good.x.with(12, Number.NaN) }, "not_finite", "x[1][1][0]"],
      ["a state in a plain array", { initialHidden: [0] }, "invalid_option", "initialHidden"],
      ["a state in shared memory", { initialCell: shared }, "shared_buffer", "initialCell"],
      ["a state too short", { initialHidden: numbers(23) }, "shape_mismatch", "initialHidden"],
      ["an infinite state", { initialCell: numbers(24).fill(Infinity, 17) }, "not_finite", "initialCell[1][1][1]"],
    ];
    test.each(badBatches)("refuses %s, and stays as it was", async (_what, change, code, path) => {
      layer.forward(good);
      const expected = layer.backward({ finalHidden: numbers(24).fill(1) });
      layer.forward(good);
      const bad = { ...good, ...change } as LayerBatch;
      await expectError(() => layer.forward(bad), code as Parameters<typeof expectError>[1], path);
      expect(layer.backward({ finalHidden: numbers(24).fill(1) })).toEqual(expected);
    });

    const badGradients: [what: string, gradients: object, code: string, path: string][] = [
      ["gradients of too few states", { hidden: numbers(119) }, "shape_mismatch", "hidden"],
      ["gradients in shared memory", { hidden: shared }, "shared_buffer", "hidden"],
      ["a gradient that is no array", { finalHidden: 1 }, "invalid_option", "finalHidden"],
      ["a gradient that is NaN", { finalCell: numbers(24).fill(Number.NaN, 23) }, "not_finite", "finalCell[1][2][3]"],
    ];
    test.each(badGradients)("refuses %s", async (_what, gradients, code, path) => {
      layer.forward(good);
      await expectError(() => layer.backward(gradients), code as Parameters<typeof expectError>[1], path);
      expect(layer.backward({}).x).toEqual(new Float32Array(30));
    });

    test("goes back once for each time that it went forward", async () => {
      await expectError(() => layer.backward({}), "empty_data", "");
      layer.forward(good);
      layer.backward({});
      const { message } = await expectError(() => layer.backward({}), "empty_data", "");
      expect(message).toContain("call forward first");
    });

    test("refuses parameters that it has not", async () => {
      const before = layer.parameters();
      await expectError(() => layer.setParameters({ weight_ih: numbers(32) }), "invalid_option", "parameters.weight_ih");
      await expectError(() => layer.setParameters({ weight_ih_l0: numbers(31) }), "shape_mismatch", "parameters.weight_ih_l0");
      const turned = { shape: [2, 16], data: numbers(32) };
      await expectError(() => layer.setParameters({ weight_ih_l0: turned }), "shape_mismatch", "parameters.weight_ih_l0");
      const parameters = { bias_ih_l0: numbers(16), bias_hh_l0: numbers(16).fill(Number.NaN) };
      await expectError(() => layer.setParameters(parameters), "not_finite", "bias_hh_l0");
      expect(layer.parameters()).toEqual(before);
    });

    test("is gone once it was disposed of", async () => {
      layer.dispose();
      layer.dispose();
      for (const call of [() => layer.forward(good), () => layer.backward({}), () => layer.parameters(), () => layer.setParameters({})]) {
        await expectError(call, "model_disposed", "");
      }
    });
  });

  test("what cannot be made is refused by its place", async () => {
    const made = (definition: object, options: object) => () => createLayer(definition as LayerDefinition, { backend, ...options } as never);
    await expectError(made({ cell: "lstm", units: 0 }, { inputs: 2 }), "invalid_definition", "definition.units");
    await expectError(made({ cell: "gru", units: 2, cellClip: 1 }, { inputs: 2 }), "invalid_definition", "definition.cellClip");
    await expectError(made({ cell: "gru", units: 2, inputNorm: true }, { inputs: 2 }), "invalid_definition", "definition.inputNorm");
    await expectError(made({ cell: "gru", units: 2 }, {}), "invalid_option", "options.inputs");
    await expectError(made({ cell: "gru", units: 2 }, { inputs: 2, seed: -1 }), "invalid_option", "options.seed");
    await expectError(made({ cell: "gru", units: 2 }, { inputs: 2, threads: 0 }), "invalid_option", "options.threads");
    await expectError(made(undefined as unknown as object, { inputs: 2 }), "invalid_definition", "definition");
  });
});

test("its errors are the package's, whichever entry point they came from", async () => {
  const error = await createLayer({ cell: "lstm", units: 0 }, { inputs: 1 }).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(GatewiseError);
  class Mine extends GatewiseError {}
  expect(error).not.toBeInstanceOf(Mine);
  expect(new Mine("internal_error", "", "of mine")).toBeInstanceOf(Mine);
  expect(new Error("of others")).not.toBeInstanceOf(GatewiseError);
});

async function expectEqual(vectors: StackVectors, backend: BackendName): Promise<void> {
  const layers = await openStack(vectors, { backend, threads: 1 });
  const [states, gradients] = [measureForward(vectors, layers), measureBackward(vectors, layers)];
  expect(states.map(({ tensor }) => tensor)).toContain(`layers.${layers.length - 1}.hidden`);
  // Gradients of two weights of every layer, and of x.
  expect(gradients.length).toBeGreaterThan(2 * layers.length);
  expect(states.filter(({ error }) => !(error <= STATES_BOUND)), vectors.name).toEqual([]);
  expect(gradients.filter(({ error }) => !(error <= GRADIENTS_BOUND)), vectors.name).toEqual([]);
  for (const layer of layers) layer.dispose();
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? Number.NaN), 0);
}
