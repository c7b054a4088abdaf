// A bidirectional layer through the whole API. Its numbers are the core's tests' business, against PyTorch.

import { createModel, defineModel, loadModel } from "gatewise";
import { describe, expect, test } from "vitest";

import { BACKENDS, expectError, probabilitiesOf, risingOrFalling, sameBits } from "./support.js";

const definition = defineModel({
  input: { features: 3 },
  layers: [{ cell: "lstm", units: 6, bidirectional: true }, { cell: "lstm", units: 4 }],
  output: { classes: ["falling", "rising"] },
  seed: 3,
});

describe.each(BACKENDS)("on the %s backend", (backend) => {
  test("it trains, predicts, and comes back from its file", async () => {
    const data = risingOrFalling(40);
    const model = await createModel(definition, { backend });
    expect(model.summary()).toContain("layers.0: bidirectional lstm  [n, steps, 12]");
    expect(model.parameters()["layers.0.weight_hh_l0_reverse"]?.shape).toEqual([24, 6]);
    const history = await model.fit(data, { epochs: 20, batchSize: 8, optimizer: { kind: "adam", learningRate: 0.02 } });
    const losses = history.epochs.map(({ loss }) => loss);
    expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) / 2);
    const loaded = await loadModel<"falling" | "rising">(await model.save(), { backend });
    expect(sameBits(await probabilitiesOf(loaded, data), await probabilitiesOf(model, data))).toBe(true);
    await expectError(() => model.stream(), "invalid_definition", "definition.layers[0].bidirectional");
    model.dispose();
    loaded.dispose();
  });
});
