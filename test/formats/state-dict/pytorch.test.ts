// State dicts of PyTorch's modules become models that predict what the modules do: inferred, created, loaded.

import { type BackendName, type OutputDefinition, createModel } from "gatewise";
import { inferDefinition, loadPretrained } from "gatewise/formats";
import { describe, expect, test } from "vitest";

import { BACKENDS, sameBits } from "../../facade/support.js";
import { CASES, type Case, errorOf, stateOf } from "./support.js";

/** f32 against float64, of predictions of size 1 after at most 3 layers and 5 steps: some 20 roundings of 6e-8. */
const BOUND = 2e-6;

const named = CASES.map((each): [string, Case] => [each.name, each]);

/** As the core tells a definition. */
function told({ input, layers, output }: Case["definition"]): object {
  return { input: { scaling: "none", ...input }, layers, output, seed: 0 };
}

test("there are the cases that generate.py writes", () => {
  expect(CASES.length).toBe(50);
});

describe.each(BACKENDS)("on %s", (backend: BackendName) => {
  test.each(named)("%s: one call gives the model", async (name, { hints, definition }) => {
    using model = await loadPretrained<OutputDefinition>(await stateOf(name), { ...hints, backend });
    expect(model.definition).toEqual(told(definition));
    expect(errorOf(name, model)).toBeLessThan(BOUND);
  });
});

test.each(named)("%s: definition and map are found, and a model of that definition takes the state dict with the map and without", async (name, { hints, map }) => {
  const state = await stateOf(name);
  const found = await inferDefinition(state, hints);
  expect(found.map).toEqual(map);
  // PyTorch's modules can do without a bias, ours cannot: a model that there is lacks it, as a module with one would in PyTorch.
  const lacking = { "tagger-without-bias": ["output.bias"], "norms-without-bias": ["output.norm.bias"] }[name] ?? [];
  for (const options of [hints.map ? { map: hints.map } : {}, { map }]) {
    using model = await createModel(found.definition);
    expect(await model.loadStateDict(state, { ...options, strict: lacking.length === 0 })).toEqual({ missing: lacking, unexpected: [] });
    expect(errorOf(name, model)).toBeLessThan(BOUND);
  }
});

test.each(named)("%s: the way back gives the same names and numbers", async (name, { hints, map }) => {
  const state = await stateOf(name);
  using model = await loadPretrained<OutputDefinition>(state, hints);
  const back = await model.stateDict({ map, cells: name.startsWith("cells") });
  // Wrappers are no part of a module; a bias of zeros, and the second name of a shared weight, are there always.
  const expected = [...state.keys()].map((key) => key.replace("module._orig_mod.", ""));
  const extra = { "tagger-without-bias": ["hidden2tag.bias"], "norms-without-bias": ["ln_out.bias"], "tied-once": ["decoder.weight"] }[name] ?? [];
  expect(Object.keys(back).toSorted()).toEqual([...expected, ...extra].toSorted());
  for (const [key, tensor] of state) {
    const { shape, data } = back[key.replace("module._orig_mod.", "")] ?? expect.fail(key);
    expect(shape).toEqual(tensor.shape);
    expect(sameBits(data, await tensor.read())).toBe(true);
  }
});
