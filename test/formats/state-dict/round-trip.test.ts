// Random definitions of what PyTorch's modules say: a model's state dict under their names gives its definition, its weights and
// its predictions back, to the bit, through safetensors and through PyTorch's own files.

import * as fc from "fast-check";
import { type ModelDefinition, createModel } from "gatewise";
import { encodePyTorch, encodeSafetensors, loadPretrained } from "gatewise/formats";
import { describe, expect, test } from "vitest";

import { expectError, sameBits } from "../../facade/support.js";
import { type NetworkCase, networkCases } from "../random-definition.js";
import { randomInputs, randomModel } from "../random-model.js";

type Hints = NonNullable<Parameters<typeof loadPretrained>[1]>;

/** What names and shapes do not tell of a definition, and no more than that. */
function hintsFor({ input, layers, output, seed }: ModelDefinition): Hints {
  const { features, padding, sparse, statics, staticsAs, tokens } = input;
  const joined = statics !== undefined && staticsAs !== "states" ? { statics } : {};
  return {
    output: { ...output, at: output.at ?? "last" },
    input: JSON.parse(JSON.stringify({ ...joined, padding, sparse, ...(tokens !== undefined && { features }) })),
    layers: layers.map(({ cell, activation }) => (cell === "rnn" ? { activation: activation ?? "tanh" } : {})),
    ...(seed !== undefined && { seed }),
  };
}

async function predictionsOf(model: Awaited<ReturnType<typeof randomModel>>, network: NetworkCase): Promise<Float32Array> {
  const { definition, lengths, steps } = network;
  const { classes, labels, values, quantiles, steps: ahead, at } = definition.output as { classes?: []; labels?: []; values?: number; quantiles?: []; steps?: number; at?: string };
  const size = classes?.length ?? labels?.length ?? (values ?? 1) * (ahead ?? 1) * (quantiles?.length ?? 1);
  return model.run(randomInputs(network), new Float32Array(lengths.length * (at === "each" ? steps : 1) * size));
}

test("definition, weights and predictions come back", () =>
  fc.assert(
    fc.asyncProperty(networkCases({ plain: true }), fc.boolean(), async (network, asPyTorch) => {
      using model = await randomModel(network.definition, network.seed);
      const state = await model.stateDict();
      const file = asPyTorch ? encodePyTorch(new Map(Object.entries(state))) : await encodeSafetensors(state);
      using back = await loadPretrained(file, { ...hintsFor(network.definition), threads: 1 });
      expect(back.definition).toEqual(model.definition);
      expect(sameBits(await predictionsOf(back as never, network), await predictionsOf(model, network))).toBe(true);
      const [found, expected] = [back.parameters(), model.parameters()];
      expect(Object.keys(found)).toEqual(Object.keys(expected));
      for (const [name, { data }] of Object.entries(expected)) expect(sameBits(found[name]?.data ?? new Float32Array(0), data), name).toBe(true);
    }),
    { numRuns: 150 },
  ));

describe("names", () => {
  const layer = (units: number, more: object = {}) => ({ cell: "gru" as const, units, ...more });
  const namesOf = async (layers: readonly object[], options = {}, output: object = { values: 1 }) => {
    using model = await createModel({ input: { features: 4 }, layers, output } as never);
    return Object.keys(await model.stateDict(options)).filter((name) => !/bias|weight_hh/.test(name));
  };

  test("layers that are alike are one module, others a list", async () => {
    expect(await namesOf([layer(4), layer(4)])).toEqual(["rnn.weight_ih_l0", "rnn.weight_ih_l1", "head.weight"]);
    expect(await namesOf([layer(4), layer(3)])).toEqual(["rnn.0.weight_ih_l0", "rnn.1.weight_ih_l0", "head.weight"]);
    expect(await namesOf([layer(4), layer(4, { residual: true })])).toEqual(["rnn.0.weight_ih_l0", "rnn.1.weight_ih_l0", "head.weight"]);
    // What a residual layer adds, the next one reads: no module with several layers does.
    expect(await namesOf([layer(4, { residual: true }), layer(4)])).toEqual(["rnn.0.weight_ih_l0", "rnn.1.weight_ih_l0", "head.weight"]);
    expect(await namesOf([layer(4), layer(4, { inputNorm: true })])).toEqual(["rnn.0.weight_ih_l0", "norm_1.weight", "rnn.1.weight_ih_l0", "head.weight"]);
    expect(await namesOf([layer(4, { bidirectional: true, merge: "sum" }), layer(4, { bidirectional: true, merge: "sum" })])).toContain("rnn.1.weight_ih_l0_reverse");
    expect(await namesOf([layer(4, { dropout: 0.5 }), layer(4, { recurrentDropout: 0.5 })])).toContain("rnn.weight_ih_l1");
  });

  test("as the map says, each place by its longest match", async () => {
    expect(await namesOf([layer(4), layer(4), layer(3)], { map: { "a.b": "layers.0", c: "layers.2", "": "output" } })).toEqual(["a.b.weight_ih_l0", "a.b.weight_ih_l1", "c.weight_ih_l0", "weight"]);
    expect(await namesOf([layer(4)], { map: {} })).toEqual(["layers.0.weight_ih_l0", "output.weight"]);
    expect(await namesOf([layer(4), layer(4)], { map: { cells: "layers" }, cells: true })).toEqual(["cells.0.weight_ih", "cells.1.weight_ih", "output.weight"]);
    const attention = { values: 1, at: "attention" };
    expect(await namesOf([layer(4)], { map: { "v.weight": "attention.score", W: "attention", rnn: "layers" } }, attention)).toEqual(["rnn.weight_ih_l0", "W.weight", "v.weight", "output.weight"]);
  });

  test("what no module says is refused by name", async () => {
    const lstm = (more: object) => [{ cell: "lstm", units: 4 }, { cell: "lstm", units: 4, ...more }];
    const options = { peepholes: true, layerNorm: true, coupledGates: true, cellClip: 1, gateActivation: "hard_sigmoid", zoneout: { hidden: 0.5 } };
    for (const [option, value] of Object.entries(options)) {
      await expectError(() => namesOf(lstm({ [option]: value })), "not_expressible", `definition.layers[1].${option}`);
    }
    await expectError(() => namesOf([layer(4, { reset: "before" })]), "not_expressible", "definition.layers[0].reset");
    await expectError(() => namesOf([layer(4, { bidirectional: true })], { cells: true }), "not_expressible", "definition.layers[0].bidirectional");
    await expectError(() => namesOf(lstm({ projection: 2 }), { cells: true }), "not_expressible", "definition.layers[1].projection");
    await expectError(() => namesOf([layer(4), layer(3)], { map: { rnn: "layers.0" } }), "not_expressible", "definition.layers[1]");
    await expectError(() => namesOf([layer(4)], { map: { a: "layers", "": "output", b: 3 } }), "invalid_option", "options.map.b");
    await expectError(() => namesOf([layer(4)], { map: { a: "output", "a.weight": "layers.0.weight_ih_l0" } }), "invalid_option", "options.map");
  });
});
