// What weights start with, as users say it: the same bits on both backends, in models and in layers by themselves. The
// distributions are the core's to prove.

import { type ModelDefinition, createModel, defineModel, loadModel } from "gatewise";
import { createLayer } from "gatewise/layers";
import { describe, expect, test } from "vitest";

const BACKENDS = ["native", "wasm"] as const;

const shared = { scheme: "pytorch", forgetBias: 1 } as const;
const network = { input: { features: 3 }, layers: [{ cell: "lstm", units: 4 }], output: { values: 2 }, seed: 3 } as const;

test("a definition says how weights start, and a file keeps it", async () => {
  const definition = defineModel({
    ...network,
    initialisation: { ...shared, rules: [{ parameters: ["*.bias_hh*"], kind: "constant", value: 0.25 }] },
  });
  const weights = await Promise.all(
    BACKENDS.map(async (backend) => {
      using model = await createModel(definition, { backend });
      using loaded = await loadModel(await model.save(), { backend });
      expect(loaded.definition).toMatchObject({ initialisation: definition.initialisation });
      return Object.fromEntries(Object.entries(model.parameters()).map(([name, { data }]) => [name, [...data]]));
    }),
  );
  expect(weights[0]).toEqual(weights[1]);
  const of = (name: string) => weights[0]?.[name] ?? [];
  expect(of("layers.0.bias_hh_l0")).toEqual(Array<number>(16).fill(0.25));
  expect(of("layers.0.bias_ih_l0").slice(4, 8)).toEqual([1, 1, 1, 1]);
  // nn.LSTM and nn.Linear: ±1/√4.
  for (const weight of [...of("layers.0.weight_hh_l0"), ...of("output.bias")]) expect(Math.abs(weight)).toBeLessThanOrEqual(0.5);
});

describe.each(BACKENDS)("%s", (backend) => {
  test("a layer by itself starts as the first layer of a model of its seed", async () => {
    using layer = await createLayer({ cell: "lstm", units: 4 }, { inputs: 3, seed: 3, initialisation: shared, backend });
    using model = await createModel({ ...network, initialisation: shared }, { backend });
    for (const [name, { data }] of Object.entries(layer.parameters())) {
      expect(model.parameters()[`layers.0.${name}`]?.data).toEqual(data);
    }
  });

  test("what fits no tensor is refused with its place", async () => {
    const wrong = (parameters: string, kind: "identity" | "orthogonal"): ModelDefinition => ({
      ...network,
      initialisation: { rules: [{ parameters: ["output.bias"], kind: "constant", value: 0 }, { parameters: [parameters], kind }] },
    });
    await expect(createModel(wrong("layer.0.*", "orthogonal"), { backend })).rejects.toMatchObject({
      code: "invalid_definition",
      path: "definition.initialisation.rules[1].parameters[0]",
      message: expect.stringContaining("`layer.0.*` names no tensor that is trained") as string,
    });
    await expect(createModel(wrong("*.weight_ih*", "identity"), { backend })).rejects.toMatchObject({
      path: "definition.initialisation.rules[1].kind",
      message: expect.stringContaining("maps 3 numbers to 4") as string,
    });
    const initialisation = { rules: [{ parameters: ["*"], kind: "orthogonal" }] } as const;
    await expect(createLayer({ cell: "lstm", units: 4 }, { inputs: 3, initialisation, backend })).rejects.toMatchObject({
      code: "invalid_option",
      message: expect.stringContaining("`bias_ih_l0` is no map") as string,
    });
  });
});
