// Every kind of layer through the whole API, on both backends. Their numbers are the core's tests' business, against PyTorch
// and the oracle.

import { type Model, type ModelDefinition, createModel, defineModel, loadModel } from "gatewise";
import { describe, expect, test } from "vitest";

import { BACKENDS, type Direction, expectError, probabilitiesOf, risingOrFalling, sameBits } from "./support.js";

type Layers = ModelDefinition["layers"];

const LAYERS: Readonly<Record<string, Layers>> = {
  "an LSTM": [{ cell: "lstm", units: 6 }],
  "a GRU": [{ cell: "gru", units: 6 }],
  "an RNN": [{ cell: "rnn", units: 6 }],
  "an RNN with ReLU": [{ cell: "rnn", units: 6, activation: "relu" }],
  "an LSTM with coupled gates": [{ cell: "lstm", units: 6, coupledGates: true }],
  "an LSTM with a clipped cell": [{ cell: "lstm", units: 6, cellClip: 0.5 }],
  "an LSTM with hard gates": [{ cell: "lstm", units: 6, gateActivation: "hard_sigmoid" }],
  "an LSTM without biases": [{ cell: "lstm", units: 6, bias: false }],
  "an LSTM with a projection": [{ cell: "lstm", units: 8, projection: 5 }],
  "an LSTM with peepholes": [{ cell: "lstm", units: 6, peepholes: true }],
  "an LSTM with layer normalisation": [{ cell: "lstm", units: 8, layerNorm: true }],
  "an LSTM with recurrent dropout": [{ cell: "lstm", units: 12, recurrentDropout: 0.25 }],
  "an LSTM with dropped weights": [{ cell: "lstm", units: 12, weightDropout: 0.25 }],
  "an LSTM with zoneout": [{ cell: "lstm", units: 8, zoneout: { hidden: 0.05, cell: 0.1 } }],
  "an LSTM with everything": [
    {
      cell: "lstm",
      units: 12,
      projection: 7,
      peepholes: true,
      layerNorm: true,
      cellClip: 3,
      recurrentDropout: 0.125,
      weightDropout: 0.125,
      zoneout: { hidden: 0.05, cell: 0.1 },
    },
  ],
  "a GRU with its reset gate before the product": [{ cell: "gru", units: 6, reset: "before" }],
  "a normalised LSTM over a normalised GRU": [
    { cell: "gru", units: 6, bidirectional: true, inputNorm: true },
    { cell: "lstm", units: 5, inputNorm: true, dropout: 0.125 },
  ],
  "a normalised residual stack": [
    { cell: "lstm", units: 6, inputNorm: true },
    { cell: "gru", units: 6, inputNorm: true, residual: true },
  ],
  "a stack of all cells": [
    { cell: "gru", units: 6, bidirectional: true },
    { cell: "rnn", units: 5 },
    { cell: "lstm", units: 4 },
  ],
};

const OPTIONS = { epochs: 20, batchSize: 8, optimizer: { kind: "adam", learningRate: 0.02 } } as const;

function define(layers: Layers): ModelDefinition<Direction> {
  return defineModel({ input: { features: 3 }, layers, output: { classes: ["falling", "rising"] }, seed: 3 });
}

describe.each(Object.entries(LAYERS))("%s", (_, layers) => {
  test.each(BACKENDS)("trains, predicts, and comes back from its file on the %s backend", async (backend) => {
    const data = risingOrFalling(40);
    using model = await createModel(define(layers), { backend });
    const history = await model.fit(data, OPTIONS);
    const losses = history.epochs.map(({ loss }) => loss);
    expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) / 2);
    const probabilities = await probabilitiesOf(model, data);
    using loaded = await loadModel<Direction>(await model.save(), { backend });
    expect(loaded.definition).toEqual(model.definition);
    expect(sameBits(await probabilitiesOf(loaded, data), probabilities)).toBe(true);
    if (!layers.some(({ bidirectional }) => bidirectional)) {
      expect(streamed(model, data)).toBeCloseTo(probabilities[0] ?? Number.NaN, 5);
    }
  });

  test("has the same losses on both backends within 1e-4", async () => {
    const [native, wasm] = await Promise.all(
      BACKENDS.map(async (backend) => {
        using model = await createModel(define(layers), { backend });
        return (await model.fit(risingOrFalling(40), { ...OPTIONS, epochs: 3 })).losses;
      }),
    );
    expect(wasm).toHaveLength(native?.length ?? 0);
    for (const [step, loss] of (native ?? []).entries()) {
      expect(Math.abs((wasm?.[step] ?? Number.NaN) - loss) / loss, `step ${step}`).toBeLessThan(1e-4);
    }
  });
});

/** The probability of "falling" after the last step of the first sequence, fed step by step. */
function streamed(model: Model<Direction>, { x, lengths }: ReturnType<typeof risingOrFalling>): number {
  const stream = model.stream();
  let falling = Number.NaN;
  for (let step = 0; step < (lengths[0] ?? 0); step++) {
    falling = stream.next(x.subarray(step * 3, step * 3 + 3)).probabilities.falling;
  }
  return falling;
}

describe.each(BACKENDS)("on the %s backend", (backend) => {
  test("a bidirectional layer is told apart, and cannot be streamed", async () => {
    using model = await createModel(define([{ cell: "lstm", units: 6, bidirectional: true }]), { backend });
    expect(model.summary()).toContain("layers.0: bidirectional lstm  [n, 12]");
    expect(model.parameters()["layers.0.weight_hh_l0_reverse"]?.shape).toEqual([24, 6]);
    await expectError(() => model.stream(), "invalid_definition", "definition.layers[0].bidirectional");
  });

  test("a projected layer's summary says what it gives", async () => {
    using model = await createModel(define([{ cell: "lstm", units: 6, projection: 4, bidirectional: true }, { cell: "rnn", units: 3 }]), {
      backend,
    });
    expect(model.summary()).toContain("layers.0: bidirectional lstm, projection  [n, steps, 8]");
  });

  test("what training drops, predictions do not: they are the same each time", async () => {
    using model = await createModel(define([{ cell: "gru", units: 6, recurrentDropout: 0.5, zoneout: { hidden: 0.25 } }]), {
      backend,
    });
    const data = risingOrFalling(20);
    expect(sameBits(await probabilitiesOf(model, data), await probabilitiesOf(model, data))).toBe(true);
    const [first, second] = (await model.fit(data, { epochs: 2, batchSize: 20, shuffle: false, optimizer: { kind: "adam", learningRate: 1e-12 } })).losses;
    expect(second).not.toBe(first);
  });

  test("an option of another cell is refused where it stands", async () => {
    await expectError(
      () => createModel(define([{ cell: "lstm", units: 3 }, { cell: "gru", units: 3, cellClip: 1 }]), { backend }),
      "invalid_definition",
      "definition.layers[1].cellClip",
    );
  });
});
