// What names and shapes tell of a definition, and what has to be asked for: by which hint, with what example.

import { type Model, createModel } from "gatewise";
import { type Hints, type StoredTensor, encodeSafetensors, inferDefinition, loadPretrained } from "gatewise/formats";
import { describe, expect, test } from "vitest";

import { expectError, sameBits, smallModel } from "../../facade/support.js";
import { recurrent, tensorsOf } from "./support.js";

type Shapes = Readonly<Record<string, readonly number[]>>;
const VALUES = { output: { values: 2, at: "last" } } as const;
const HEAD = { "fc.weight": [2, 8], "fc.bias": [2] } as const;
const LSTM = { ...recurrent("rnn.", [4, 3, 8]), ...HEAD };

const infer = (shapes: Shapes, hints: Hints = VALUES) => inferDefinition(tensorsOf(shapes), hints);

describe("what is asked for", () => {
  const asked: readonly [string, Shapes, Hints, string, string][] = [
    ["what the outputs mean", LSTM, {}, "options.output", 'output: { classes: ["class 0", "class 1"], at: "last" }, or { labels: […] }, or { values: 2 }'],
    ["which steps they come from", LSTM, { output: { values: 2 } }, "options.output.at", '"last" for PyTorch\'s h_n'],
    ["as many names as outputs", LSTM, { output: { classes: ["a", "b", "c"], at: "last" } }, "options.output.classes", "the head has 2 outputs, output.classes comes to 3"],
    ["as many labels", LSTM, { output: { labels: ["a"], at: "each" } }, "options.output.labels", "comes to 1"],
    ["as many values, steps and quantiles", LSTM, { output: { values: 2, steps: 3, quantiles: [0.1, 0.9], at: "last" } }, "options.output.values", "comes to 12"],
    ["the activation of nn.RNN", { ...recurrent("rnn.", [1, 3, 8]), ...HEAD }, VALUES, "options.layers[0].activation", 'give layers: { activation: "tanh" }, PyTorch\'s default, or "relu"'],
    ["of each of its layers", { ...recurrent("rnn.", [1, 3, 8]), ...recurrent("rnn.", [1, 8, 8], "_l1"), ...HEAD }, { ...VALUES, layers: [{ activation: "tanh" }, {}] }, "options.layers[1].activation", "in layer 1"],
    ["hints for as many layers as there are", LSTM, { ...VALUES, layers: [{}, {}] }, "options.layers", "there are hints for 2 layers, the file has 1"],
    ["what stands beside an embedding", { "emb.weight": [9, 2], ...LSTM }, VALUES, "options.input.features", "give input: { features: 1 } if they come before the embedding, or input: { statics: 1 }"],
    ["what becomes of two directions", { ...recurrent("rnn.", [4, 3, 8]), ...recurrent("rnn.", [4, 3, 8], "_l0_reverse"), ...HEAD }, VALUES, "options.layers[0].merge", 'give layers[0].merge, "sum" or "mean" of both'],
    ["the order of modules", { ...recurrent("a.", [4, 8, 8]), ...recurrent("b.", [4, 8, 8]), ...HEAD }, VALUES, "options.map", 'give map, such as { a: "layers.0", b: "layers.1" }'],
    ["the head among several", { ...LSTM, "fc2.weight": [8, 8], "fc2.bias": [8] }, VALUES, "options.map", 'of fc, fc2 several could be output: give map, such as { fc: "output" }; a head of several linear maps is none'],
    ["where a norm stands", { "ln.weight": [8], "ln.bias": [8], ...recurrent("rnn.", [4, 8, 8]), ...HEAD }, VALUES, "options.map", 'ln may stand in several places (layers.0.norm, output.norm): give map, such as { ln: "layers.0.norm" }'],
    ["a map of what is there", LSTM, { ...VALUES, map: { fcc: "output" } }, "options.map.fcc", 'did you mean "fc"?'],
    ["a hint that there is", LSTM, { ...VALUES, outputs: 3 } as Hints, "options.outputs", 'did you mean "output"?'],
  ];

  test.each(asked)("%s", async (_, shapes, hints, path, words) => {
    const error = await expectError(() => infer(shapes, hints), "invalid_option", path);
    expect(error.message).toContain(words);
    await expectError(() => loadPretrained(tensorsOf(shapes), hints), "invalid_option", path);
  });
});

describe("what is no network of ours", () => {
  const refused: readonly [string, Shapes, string, string][] = [
    ["a head of two linear maps", { ...LSTM, "fc2.weight": [5, 2], "fc2.bias": [5] }, "fc2.weight", "no part of a model is made of fc2.weight, fc2.bias"],
    ["a linear map before the layers", { "in.weight": [3, 7], "in.bias": [3], ...LSTM }, "in.weight", "heads of several linear maps and maps before the layers"],
    ["a convolution", { "conv.weight": [3, 7, 5], "conv.bias": [3], ...LSTM }, "conv.weight", "convolutions"],
    ["batch normalisation", { "bn.weight": [8], "bn.bias": [8], "bn.running_mean": [8], ...LSTM }, "bn.weight", "no part of a model"],
    ["no recurrent layer", { "fc.weight": [2, 3], "fc.bias": [2] }, "layers", "no tensor belongs to an LSTM, GRU or RNN"],
    ["nothing", {}, "layers", "at least one such layer"],
    ["a stack that lacks a layer", { ...LSTM, ...recurrent("rnn.", [4, 8, 8], "_l2") }, "layers.1", "there is a layer 2, but no layer 1"],
    ["a layer of an absurd number", { ...LSTM, ...recurrent("rnn.", [4, 8, 8], "_l999999999") }, "layers.1", "there is a layer 999999999"],
    ["more layers than a model has", Object.assign({}, HEAD, ...Array.from({ length: 65 }, (_, k) => recurrent("rnn.", [1, 8, 8], `_l${k}`))), "layers", "65 recurrent layers, a model at most 64"],
    ["weights without recurrent ones", { "rnn.weight_ih_l0": [32, 3], ...HEAD }, "layers.0.weight_hh_l0", "layers.0.weight_hh_l0 is missing"],
    ["five gates", { ...recurrent("rnn.", [5, 3, 8]), ...HEAD }, "layers.0.weight_hh_l0", "an LSTM's has 4 rows a unit, a GRU's 3, a simple RNN's 1"],
    ["a GRU with a projection", { "rnn.weight_ih_l0": [24, 3], "rnn.weight_hh_l0": [24, 5], "rnn.weight_hr_l0": [5, 8], "fc.weight": [2, 5], "fc.bias": [2] }, "layers.0.weight_hh_l0", "with a projection of 8 units"],
    ["weights of two layers under one name", { ...LSTM, "rnn.weight_ih_l0": [24, 3] }, "layers.0.weight_ih_l0", "weight_ih has 24 rows, weight_hh 32"],
    ["a tensor of another rank", { ...LSTM, "rnn.weight_hh_l0": [256] }, "layers.0.weight_hh_l0", "is [256], which is no matrix"],
    ["no units", { ...LSTM, "rnn.weight_hh_l0": [0, 0], "rnn.weight_ih_l0": [0, 3] }, "layers.0.weight_hh_l0", "no matrix of weights"],
    ["an embedding that is not what the layers read", { "embedding.weight": [9, 5], ...LSTM }, "layers.0.weight_ih_l0", "fewer than the embedding's 5"],
    ["a head of something else", { ...recurrent("rnn.", [4, 3, 8]), "output.weight": [2, 9], "output.bias": [2] }, "output.weight", "the head reads 9 numbers, the last layer gives 8"],
    ["no head", recurrent("rnn.", [4, 3, 8]), "output.weight", "missing: output.weight, output.bias"],
  ];

  test.each(refused)("%s", async (_, shapes, path, words) => {
    const error = await expectError(() => loadPretrained(tensorsOf(shapes), VALUES), "state_mismatch", path);
    expect(error.message).toContain(words);
  });
});

describe("what is found", () => {
  test("layer normalisation before the layers and before the head, by sizes", async () => {
    const shapes = { "n1.weight": [3], "n1.bias": [3], ...recurrent("a.", [3, 3, 5]), "n2.weight": [5], "n2.bias": [5], ...recurrent("b.", [3, 5, 8]), "n3.weight": [8], "n3.bias": [8], ...HEAD };
    const { definition, map } = await infer(shapes);
    expect(definition).toEqual({
      input: { features: 3 },
      layers: [{ cell: "gru", units: 5, inputNorm: true }, { cell: "gru", units: 8, inputNorm: true }],
      output: { values: 2, at: "last", norm: true },
    });
    expect(map).toEqual({ a: "layers.0", b: "layers.1", fc: "output", n1: "layers.0.norm", n2: "layers.1.norm", n3: "output.norm" });
  });

  test("the options of our own layers, by our names", async () => {
    const definition = {
      input: { features: 3, statics: 2, staticsAs: "states", scaling: "standard" },
      layers: [{ cell: "lstm", units: 6, peepholes: true, layerNorm: true }, { cell: "lstm", units: 6, projection: 4, bias: false, bidirectional: true }],
      output: { classes: ["a", "b"], at: "attention", attentionUnits: 5 },
    } as const;
    using model = await createModel(definition);
    const { at: _, attentionUnits: __, ...output } = definition.output;
    const found = await inferDefinition(model.parameters(), { output });
    expect(found).toEqual({ definition, map: {} });
  });

  test("hints hold whatever the shapes say, and what they say of training", async () => {
    const { definition } = await infer(LSTM, { ...VALUES, input: { features: 2, statics: 1 }, layers: { dropout: 0.2 }, seed: 9 });
    expect(definition).toEqual({ input: { features: 2, statics: 1 }, layers: [{ cell: "lstm", units: 8, dropout: 0.2 }], output: VALUES.output, seed: 9 });
  });

  test("a merge that is told", async () => {
    const shapes = { ...recurrent("rnn.", [4, 3, 8]), ...recurrent("rnn.", [4, 3, 8], "_l0_reverse"), ...HEAD };
    using model = await loadPretrained(tensorsOf(shapes), { ...VALUES, layers: { merge: "sum" } });
    expect(model.definition.layers).toEqual([{ cell: "lstm", units: 8, bidirectional: true, merge: "sum" }]);
  });

  test("an embedding is told from a head without bias by its name where both would fit", async () => {
    const shapes = { "out.weight": [9, 8], "token_embedding.weight": [9, 8], ...recurrent("rnn.", [4, 8, 8]) };
    expect((await infer(shapes, { output: { values: 9, at: "each" } })).map).toEqual({ rnn: "layers", token_embedding: "embedding", out: "output" });
    const error = await expectError(() => infer({ "out.weight": [9, 8], "in.weight": [9, 8], ...recurrent("rnn.", [4, 8, 8]) }), "invalid_option", "options.map");
    expect(error.message).toContain("of out, in several could be embedding or output");
  });
});

describe("loadPretrained", () => {
  test("a whole definition in the place of hints", async () => {
    const definition = { input: { features: 3 }, layers: [{ cell: "lstm", units: 8 }], output: { values: 2 } } as const;
    using model: Model<{ readonly values: 2 }> = await loadPretrained(tensorsOf(LSTM), { definition });
    expect(sameBits(model.parameters()["output.bias"]?.data ?? new Float32Array(0), tensorsOf(LSTM)["fc.bias"]?.data ?? new Float32Array(1))).toBe(true);
    await expectError(() => loadPretrained(tensorsOf(LSTM), { definition: { ...definition, layers: [{ cell: "lstm", units: 7 }] } }), "state_mismatch", "layers.0.weight_ih_l0");
  });

  test("the types of classes are those of the hint", async () => {
    using model: Model<"no" | "yes"> = await loadPretrained(tensorsOf(LSTM), { output: { classes: ["no", "yes"], at: "last" } });
    const [prediction] = await model.predict({ x: new Float32Array(6), shape: [1, 2, 3] });
    expect(["no", "yes"]).toContain(prediction?.label);
  });

  test("strict: false gives an encoder a new head, and passes over what has no place", async () => {
    const shapes = { ...recurrent("rnn.", [4, 3, 8]), "aux.weight": [4, 4, 4] };
    using model = await loadPretrained(tensorsOf(shapes), { output: { values: 3, at: "last" }, strict: false });
    expect(sameBits(model.parameters()["layers.0.weight_hh_l0"]?.data ?? new Float32Array(0), tensorsOf(shapes)["rnn.weight_hh_l0"]?.data ?? new Float32Array(1))).toBe(true);
    expect(model.parameters()["output.weight"]?.shape).toEqual([3, 8]);
  });

  test("our own files hold their definition; hints would only contradict it", async () => {
    using saved = await smallModel("native");
    using model = await loadPretrained(await saved.save());
    expect(model.definition).toEqual(saved.definition);
    expect(model.parameters()).toEqual(saved.parameters());
    await expectError(async () => loadPretrained(await saved.save(), VALUES), "invalid_option", "options.output");
    using other = await loadPretrained(await saved.save(), { definition: { ...saved.definition, seed: 3 }, backend: "wasm" });
    expect(other.definition.seed).toBe(3);
    expect(other.backend.name).toBe("wasm");
  });

  test("numbers that are not finite are refused, and no model is left", async () => {
    const tensors = tensorsOf(LSTM);
    tensors["fc.bias"]?.data.fill(Number.NaN);
    await expectError(() => loadPretrained(tensors, VALUES), "not_finite", "output.bias");
    await expectError(async () => loadPretrained(await encodeSafetensors(tensors), VALUES), "not_finite", "output.bias");
  });

  test("definitions that no model can have are the core's to refuse", async () => {
    await expectError(() => loadPretrained(tensorsOf(LSTM), { output: { classes: ["a", "a"], at: "last" } }), "invalid_definition", "definition.output.classes[1]");
    await expectError(() => loadPretrained(tensorsOf(LSTM), { output: { values: 2, at: "first" as never } }), "invalid_definition", "definition.output.at");
  });
});

test("thousands of modules end as an error, not as a search without end", async () => {
  const modules = (count: number, of: (prefix: string) => Shapes) => Object.assign({}, ...Array.from({ length: count }, (_, k) => of(`m${k}x.`))) as Shapes;
  const crowds = [
    { ...LSTM, ...modules(3000, (prefix) => ({ [`${prefix}weight`]: [2, 8], [`${prefix}bias`]: [2] })) },
    { ...LSTM, ...modules(3000, (prefix) => ({ [`${prefix}weight`]: [8] })) },
    { ...modules(60, (prefix) => recurrent(prefix, [1, 2, 2])), ...HEAD },
    { ...modules(3000, (prefix) => recurrent(prefix, [1, 2, 2])), ...HEAD },
    { ...LSTM, ...modules(30, (prefix) => ({ [`${prefix}weight`]: [8] })) },
  ];
  for (const shapes of crowds) {
    // Shapes alone are looked at: memory for none of them.
    const tensors = new Map(Object.entries(shapes).map(([name, shape]): [string, StoredTensor] => [name, { shape, type: "f32", read: () => Promise.reject(new Error("nobody reads this")) }]));
    const begun = performance.now();
    await expect(inferDefinition(tensors, VALUES)).rejects.toMatchObject({ name: "GatewiseError" });
    expect(performance.now() - begun).toBeLessThan(2000);
  }
});
