// Models of ours as a `.pt` or as safetensors with PyTorch's names, and back: what names and shapes do not tell is told by hints, and
// nothing else is lost. What no module of PyTorch's computes is refused by name. scripts/interop has PyTorch itself take the files.

import * as fc from "fast-check";
import { type Model, type ModelDefinition, type OutputDefinition, createModel } from "gatewise";
import { definePipeline } from "gatewise/data";
import { type Hints, encodePyTorch, encodeSafetensors, loadPretrained } from "gatewise/formats";
import { describe, expect, test } from "vitest";

import { errorOf, sameBits } from "../../facade/support.js";
import { networkCases } from "../random-definition.js";
import { randomModel } from "../random-model.js";
import { type Form, FORMS, NOT_PYTORCHS, drawn, kinds, seams } from "./outbound.js";

type AnyModel = Model<OutputDefinition>;
type AnyLayer = ModelDefinition["layers"][number];

/** What names and shapes tell of a layer. */
const TOLD: ReadonlySet<string> = new Set(["cell", "units", "bidirectional", "bias", "projection", "inputNorm"]);

/** All that they do not tell of a definition. */
function hintsOf({ input, layers, output, seed }: ModelDefinition): Hints {
  const { scaling: _scaling, ...given } = input;
  const { norm: _norm, tied: _tied, ...meaning } = output as OutputDefinition & { tied?: boolean };
  const own = (layer: AnyLayer) => Object.fromEntries(Object.entries(layer).filter(([field]) => !TOLD.has(field)));
  return {
    input: given,
    layers: layers.map((layer) => ({ ...(layer.cell === "rnn" ? { activation: "tanh" as const } : {}), ...own(layer) })),
    output: { at: "last", ...meaning } as OutputDefinition,
    ...(seed !== undefined && { seed }),
  };
}

/** The names that `stateDict` gives unless told otherwise, those that are there. */
function mapOf({ layers, output }: ModelDefinition): Record<string, string> {
  const norms = layers.flatMap(({ inputNorm }, layer): [string, string][] => (inputNorm === true ? [[layer === 0 ? "input_norm" : `norm_${layer}`, `layers.${layer}.norm`]] : []));
  return { rnn: "layers", head: "output", ...Object.fromEntries(norms), ...(output.norm === true && { output_norm: "output.norm" }) };
}

async function fileOf(model: AnyModel, form: Form): Promise<Uint8Array> {
  const state = await model.stateDict();
  return form === "pt" ? encodePyTorch(state) : encodeSafetensors(state, { format: "pt" });
}

function expectSameWeights(model: AnyModel, back: AnyModel): void {
  const [own, read] = [model.parameters(), back.parameters()];
  expect(Object.keys(read)).toEqual(Object.keys(own));
  for (const [name, { shape, data }] of Object.entries(own)) {
    expect(read[name]?.shape, name).toEqual(shape);
    expect(sameBits(read[name]?.data ?? new Float32Array(0), data), name).toBe(true);
  }
}

describe.each(FORMS)("as %s", (form) => {
  test.each([...kinds(), ...seams(), ...drawn(60, 1)].map((network, index) => [index, network] as const))("network %i loses nothing", async (_, { definition, seed }) => {
    using model = await randomModel(definition, seed);
    using back = await loadPretrained<OutputDefinition>(await fileOf(model, form), { ...hintsOf(model.definition), map: mapOf(model.definition) });
    expect(back.definition).toEqual(model.definition);
    expectSameWeights(model, back);
  });
});

test("what PyTorch has no module for is refused, by name, and nothing else is", { timeout: 120_000 }, async () => {
  const property = fc.asyncProperty(networkCases(), async ({ definition }) => {
    using model = await createModel(definition, { threads: 1 });
    const layers: readonly Readonly<Record<string, unknown>>[] = model.definition.layers as never;
    const standard: Readonly<Record<string, unknown>> = { gateActivation: "sigmoid", reset: "after" };
    const set = layers.map((layer) => NOT_PYTORCHS.filter((field) => layer[field] !== undefined && layer[field] !== false && layer[field] !== standard[field]));
    const first = set.findIndex((fields) => fields.length > 0);
    if (first < 0) {
      await model.stateDict();
      return;
    }
    const { code, path, message } = await errorOf(() => model.stateDict());
    expect(code).toBe("not_expressible");
    expect(set[first]?.map((field) => `definition.layers[${first}].${field}`)).toContain(path);
    expect(message).toContain(path.split(".").at(-1));
  });
  await fc.assert(property, { seed: 4, numRuns: 150 });
});

test("our own file keeps classes, preprocessing and all", async () => {
  const classes = ["lapsed", "returning"] as const;
  const rows = Array.from({ length: 60 }, (_, index) => ({ customer: index % 6, value: 10 + ((index * 37) % 50), kind: index % 2 === 0 ? "lapsed" : "returning" }));
  const pipeline = definePipeline({ group: "customer", features: [{ column: "value", scale: ["log", "standard"] }], target: { label: "kind", classes } });
  const data = pipeline.fit(rows).apply(rows);
  using model = await createModel({ input: { features: 1 }, layers: [{ cell: "gru", units: 4 }], output: { classes } });
  await model.fit(data, { epochs: 1 });
  using back = await loadPretrained<OutputDefinition>(await model.save());
  expect(back.definition).toEqual(model.definition);
  expect(back.preprocessing).toEqual(model.preprocessing);
  expect(back.preprocessing).toBeDefined();
  expectSameWeights(model as unknown as AnyModel, back);
});
