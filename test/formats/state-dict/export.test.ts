// Models of ours as PyTorch's files with a record of what those do not tell: everything comes back without a hint, and a record
// that is damaged, or of another model, is refused with its path. scripts/interop/pytorch.ts has PyTorch itself take such a file.

import { unzipSync } from "fflate";
import { type Model, type ModelDefinition, type OptimizerState, type OutputDefinition, createModel, loadModel } from "gatewise";
import { definePipeline } from "gatewise/data";
import { encodePyTorch, encodeSafetensors, exportPyTorch, loadPretrained, optimizerFromPyTorch, readPyTorch } from "gatewise/formats";
import { describe, expect, test } from "vitest";

import { BACKENDS, errorOf, sameBits } from "../../facade/support.js";
import { drawn } from "../interop/outbound.js";
import { zip } from "../pytorch/zips.js";
import { randomModel } from "../random-model.js";

type AnyModel = Model<OutputDefinition>;

const CLASSES = ["lapsed", "returning"] as const;
const ROWS = Array.from({ length: 60 }, (_, index) => ({ customer: index % 6, value: 10 + ((index * 37) % 50), kind: CLASSES[index % 2] ?? "lapsed" }));
const PIPELINE = definePipeline({ group: "customer", features: [{ column: "value", scale: ["log", "standard"] }], target: { label: "kind", classes: CLASSES } }).fit(ROWS);
const DATA = PIPELINE.apply(ROWS);

const GRU = { input: { features: 1 }, layers: [{ cell: "gru", units: 4 }], output: { classes: CLASSES } } as const;

/** The same model, in whose file stands that its data came from the pipeline. */
async function withPipeline(model: AnyModel): Promise<AnyModel> {
  const saved = { version: 1, definition: model.definition, preprocessing: JSON.stringify(DATA.preprocessing) };
  return (await loadModel(await encodeSafetensors(model.parameters(), { gatewise: JSON.stringify(saved) }), { threads: 1 })) as never;
}

function expectSame(back: AnyModel, model: AnyModel): void {
  expect(back.definition).toEqual(model.definition);
  expect(back.preprocessing).toEqual(model.preprocessing);
  const [found, expected] = [back.parameters(), model.parameters()];
  expect(Object.keys(found)).toEqual(Object.keys(expected));
  for (const [name, { shape, data }] of Object.entries(expected)) {
    expect(found[name]?.shape, name).toEqual(shape);
    expect(sameBits(found[name]?.data ?? new Float32Array(0), data), name).toBe(true);
  }
}

describe("random definitions", () => {
  test.each(drawn(24, 3).map((network, index) => [index, network] as const))("network %i comes back whole, on either backend", async (index, { definition, seed }) => {
    using bare = await randomModel(definition, seed);
    using model = await withPipeline(bare as AnyModel);
    expect(model.preprocessing).toBeDefined();
    const file = await exportPyTorch(model, index % 3 === 0 ? { map: { "net.rnn": "layers", "net.fc": "output" } } : {});
    using back = await loadPretrained(file, { backend: BACKENDS[index % 2] });
    expectSame(back as AnyModel, model);
    // Of the same model, the same bytes: of one that came back, too.
    expect(sameBytes(await exportPyTorch(model), await exportPyTorch(back as AnyModel))).toBe(true);
  });
});

describe("a checkpoint", () => {
  const optimizer = { kind: "adamw", learningRate: 0.01, beta1: 0.8, epsilon: 1e-7, weightDecay: 0.125 } as const;

  test("keeps weights, definition, preprocessing, classes, and the optimiser's moments, step and options", async () => {
    using model = await createModel(GRU);
    const { optimizerState } = await model.fit(DATA, { epochs: 3, batchSize: 2, optimizer, keepOptimizerState: true });
    const bytes = await exportPyTorch(model, { map: { lstm: "layers" }, optimizer: { optimizer, optimizerState } });

    using back = await loadPretrained<{ classes: typeof CLASSES }>(bytes);
    expectSame(back as never, model as never);
    expect(await back.predict({ rows: ROWS })).toEqual(await model.predict({ rows: ROWS }));

    const file = await readPyTorch(bytes);
    expect(file.stateDicts).toEqual(["model"]);
    const order = [...new Set(Object.values(file.record?.map ?? {}))];
    const imported = await optimizerFromPyTorch(file.optimizer, order);
    await file.close();
    expect(imported.optimizer).toMatchObject(optimizer);
    expect(imported.optimizerState).toMatchObject({ kind: "adamw", step: 3 * 3 });
    expectSameState(imported.optimizerState, optimizerState);

    // Both go on alike, to the bit.
    const go = { epochs: 2, batchSize: 2, optimizer, keepOptimizerState: true } as const;
    const [here, there] = [await model.fit(DATA, { ...go, optimizerState }), await back.fit(DATA, { ...go, ...imported })];
    expectSameState(there.optimizerState, here.optimizerState);
    expectSame(back as never, model as never);
  });

  test("parameters are in the order that is given", async () => {
    using model = await createModel(GRU);
    const { optimizerState } = await model.fit(DATA, { epochs: 1, optimizer, keepOptimizerState: true });
    const parameterOrder = Object.keys(model.parameters()).toReversed();
    const file = await readPyTorch(await exportPyTorch(model, { optimizer: { optimizer, optimizerState, parameterOrder } }));
    expect((file.optimizer?.state.get(0)?.get("exp_avg") as { shape: number[] } | undefined)?.shape).toEqual([2]);
    expectSameState((await optimizerFromPyTorch(file.optimizer, parameterOrder)).optimizerState, optimizerState);
  });

  test("the scaling of inputs is no parameter", async () => {
    using model = await createModel({ ...GRU, input: { features: 1, scaling: "standard" } });
    const { optimizerState } = await model.fit(DATA, { epochs: 1, keepOptimizerState: true });
    const file = await readPyTorch(await exportPyTorch(model, { optimizer: { optimizerState } }));
    expect(file.tensors().size).toBe(8);
    expect(file.optimizer?.state.size).toBe(6);
    expectSameState((await optimizerFromPyTorch(file.optimizer, Object.keys(model.parameters()))).optimizerState, optimizerState);
  });

  test("nor is that of statics", async () => {
    using model = await createModel({ ...GRU, input: { features: 1, statics: 2, scaling: "standard" } });
    const x = Float32Array.from({ length: 12 }, (_, index) => index);
    const data = { x, shape: [4, 3, 1], statics: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), targets: Uint8Array.of(0, 1, 0, 1) } as const;
    const { optimizerState } = await model.fit(data, { epochs: 1, keepOptimizerState: true });
    const file = await readPyTorch(await exportPyTorch(model, { optimizer: { optimizerState } }));
    expect(file.tensors().size).toBe(10);
    expect(file.optimizer?.state.size).toBe(6);
    expectSameState((await optimizerFromPyTorch(file.optimizer, Object.keys(model.parameters()))).optimizerState, optimizerState);
  });
});

function expectSameState(found: OptimizerState | undefined, expected: OptimizerState | undefined): void {
  expect(found?.step).toBe(expected?.step);
  expect(found?.parameters).toEqual(expected?.parameters);
  expect(Object.keys(found?.parameters ?? {})).toHaveLength(6);
}

describe("what is told of a file that holds its record", () => {
  test("readPyTorch shows it, frozen; other files have none", async () => {
    using model = await createModel(GRU);
    const { record } = await readPyTorch(await exportPyTorch(model));
    expect(record?.definition).toEqual(model.definition);
    expect(record?.path).toBe("the bytes:archive/gatewise.json");
    expect(record?.map).toMatchObject({ "rnn.weight_ih_l0": "layers.0.weight_ih_l0", "head.bias": "output.bias" });
    expect([record, record?.map, record?.definition["layers"]].every(Object.isFrozen)).toBe(true);
    const plain = encodePyTorch(await model.stateDict());
    expect((await readPyTorch(plain)).record).toBeUndefined();
    expect(await errorOf(() => loadPretrained(plain))).toMatchObject({ code: "invalid_option", path: "options.output" });
  });

  test("hints are refused, as beside our own files; a whole definition stands in its place", async () => {
    using model = await createModel(GRU);
    const file = await exportPyTorch(model, { map: { "a.b": "layers", "": "output" } });
    for (const hints of [{ output: { values: 2 } }, { map: {} }, { seed: 3 }, { path: "" }]) {
      const [name = ""] = Object.keys(hints);
      expect(await errorOf(() => loadPretrained(file, hints))).toMatchObject({ code: "invalid_option", path: `options.${name}` });
    }
    const definition = { ...GRU, output: { labels: ["a", "b"] } };
    using labels = await loadPretrained(file, { definition });
    expect(labels.definition.output).toMatchObject({ labels: ["a", "b"] });
    expect(labels.parameters()).toEqual(model.parameters());
    expect(await errorOf(() => loadPretrained(file, { definition: { ...definition, layers: [{ cell: "gru", units: 5 }] } }))).toMatchObject({ code: "state_mismatch" });
  });

  test("its map loads it into a model that there is", async () => {
    const definition = { input: { tokens: 5, embedding: 4 }, layers: [{ cell: "lstm", units: 6 }, { cell: "lstm", units: 4 }], output: { classes: ["a", "b", "c", "d", "e"], at: "each", tied: true } } as const;
    using model = await createModel(definition);
    const file = await exportPyTorch(model, { cells: true, map: { first: "layers.0", second: "layers.1", out: "output", e: "embedding" } });
    const { map } = (await readPyTorch(file)).record ?? {};
    expect(map).toMatchObject({ "first.weight_ih": "layers.0.weight_ih_l0", "out.weight": "output.weight", "e.weight": "embedding.weight" });
    using other = await createModel({ ...definition, seed: 9 });
    await other.loadStateDict(file, { map });
    expect(other.parameters()).toEqual(model.parameters());
    using back = await loadPretrained(file);
    expect(back.parameters()).toEqual(model.parameters());
  });

  test.each<[string, object, string, string]>([
    ["an option that there is not", { name: "a" }, "invalid_option", "options.name"],
    ["an optimiser that is none", { optimizer: { optimizer: "adam" } }, "invalid_option", "options.optimizer.optimizer"],
    ["Lion", { optimizer: { optimizer: { kind: "lion" } } }, "not_expressible", "optimizer.kind"],
  ])("%s is refused", async (_, options, code, path) => {
    using model = await createModel(GRU);
    expect(await errorOf(() => exportPyTorch(model, options))).toMatchObject({ code, path });
  });
});

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** A model's file with another record, made of its own. */
async function tampered(change: (record: Record<string, unknown>) => string | Uint8Array, definition: unknown = GRU): Promise<Uint8Array<ArrayBuffer>> {
  using model = await createModel(definition as ModelDefinition);
  using fitted = await withPipeline(model as AnyModel);
  const entries: Record<string, Uint8Array> = unzipSync(await exportPyTorch(fitted));
  const changed = change(JSON.parse(new TextDecoder().decode(entries["archive/gatewise.json"])));
  entries["archive/gatewise.json"] = typeof changed === "string" ? new TextEncoder().encode(changed) : changed;
  return zip(Object.entries(entries).map(([name, data]) => ({ name, data: Uint8Array.from(data) })));
}

const json = JSON.stringify;
type Fields = Record<string, never>;
const definitionWith = (fields: object) => (record: Record<string, unknown>) => json({ ...record, definition: { ...(record["definition"] as object), ...fields } });

describe("a record that is damaged or hostile", () => {
  test("the file is otherwise as it was", async () => {
    using back = await loadPretrained(await tampered(json));
    expect(back.definition).toMatchObject(GRU);
    expect(back.preprocessing).toEqual(DATA.preprocessing);
  });

  test.each<[string, (record: Record<string, unknown>) => string | Uint8Array, string]>([
    ["cut", (record) => json(record).slice(0, -9), "no JSON"],
    ["empty", () => "", "no JSON"],
    ["no UTF-8", () => Uint8Array.of(0x22, 0xff, 0x22), "no JSON"],
    ["huge", (record) => json(record).padEnd(2 ** 25 + 1), "at most 33554432"],
    ["nested", () => "[".repeat(1e5) + "]".repeat(1e5), "more than 64 deep"],
    ["of another version", (record) => json({ ...record, version: 2 }), "of version 2, this Gatewise reads version 1"],
    ["without a version", (record) => json({ ...record, version: undefined }), "version is missing"],
    ["a list", () => "[]", "version is missing"],
    ["with a field more", (record) => json({ ...record, code: "1" }), "code"],
    ["without a definition", (record) => json({ ...record, definition: undefined }), "definition is missing"],
    ["with a map of numbers", (record) => json({ ...record, map: { "rnn.weight_ih_l0": 3 } }), "must be the name of a tensor"],
    ["with a prototype", (record) => json(record).replace("{", '{"__proto__":{"polluted":true},'), "__proto__"],
    ["with a prototype in the definition", (record) => json(record).replace('"definition":{', '"definition":{"__proto__":{"polluted":true},'), "__proto__"],
    ["with a prototype in the map", (record) => json(record).replace('"map":{', '"map":{"__proto__":"output.bias",'), "__proto__"],
  ])("%s is refused where the file is opened", async (_, change, words) => {
    const file = await tampered(change);
    for (const open of [() => readPyTorch(file), () => loadPretrained(file), () => loadPretrained(file, { definition: GRU })]) {
      const error = await errorOf(open);
      expect(error).toMatchObject({ code: "invalid_file", path: "the bytes:archive/gatewise.json" });
      expect(error.message).toContain(words);
      expect(error.message.length).toBeLessThan(400);
    }
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  const names = ({ map }: Record<string, unknown>) => map as Readonly<Record<string, string>>;
  test.each<[string, (record: Record<string, unknown>) => string, string]>([
    ["a definition that is none", definitionWith({ layers: [] }), "layers"],
    ["a definition with a field more", definitionWith({ code: 1 }), "code"],
    ["more units", definitionWith({ layers: [{ cell: "gru", units: 5 }] }), "layers.0.weight_ih_l0"],
    // 200 MB of weights, of which there must be none before the tensors are looked at.
    ["far more units", definitionWith({ layers: [{ cell: "gru", units: 4096 }] }), "layers.0.weight_ih_l0"],
    ["a layer more", definitionWith({ layers: [{ cell: "gru", units: 4 }, { cell: "gru", units: 4 }] }), "layers.1"],
    ["another kind of layer", definitionWith({ layers: [{ cell: "lstm", units: 4 }] }), "layers.0.weight_ih_l0"],
    ["other classes", definitionWith({ output: { classes: ["a", "b", "c"] } }), "output.weight"],
    ["preprocessing that is none", (record) => json({ ...record, preprocessing: { version: 1 } }), "preprocessing"],
    ["preprocessing of another version", (record) => json({ ...record, preprocessing: { ...(record["preprocessing"] as Fields), version: 7 } }), "of version 7"],
    ["a tensor that is not there", (record) => json({ ...record, map: { ...names(record), "aux.weight": "output.bias" } }), "aux.weight"],
    ["a tensor of which nothing is told", (record) => json({ ...record, map: Object.fromEntries(Object.entries(names(record)).slice(1)) }), "rnn.weight_ih_l0"],
    ["two tensors in one place", (record) => json({ ...record, map: { ...names(record), "head.bias": "output.weight" } }), "two tensors"],
    ["a place that no file can have", (record) => json({ ...record, map: { ...names(record), "head.bias": "__metadata__" } }), "__metadata__"],
    ["a place that there is not", (record) => json({ ...record, map: { ...names(record), "head.bias": "output.other" } }), "output"],
  ])("%s", async (_, change, words) => {
    const error = await errorOf(async () => loadPretrained(await tampered(change)));
    expect(error).toMatchObject({ code: "invalid_file", path: "the bytes:archive/gatewise.json" });
    expect(error.message).toContain(words);
  });

  test("where it is the tensors that are damaged, they are named", async () => {
    using model = await createModel(GRU);
    const file = await exportPyTorch(model);
    const first = Buffer.from(model.parameters()["layers.0.weight_ih_l0"]?.data.buffer ?? new ArrayBuffer(0));
    const at = Buffer.from(file.buffer).indexOf(first);
    file[at] = (file[at] ?? 0) ^ 1;
    expect(await errorOf(() => loadPretrained(file))).toMatchObject({ code: "invalid_file", path: "the bytes:archive/data/0" });
  });

  test("a head that is said to be the embeddings and is not", async () => {
    const own = { input: { tokens: 3, embedding: 3 }, layers: [{ cell: "rnn", units: 3 }], output: { classes: ["a", "b", "c"], at: "each" } } as const;
    const file = await tampered(definitionWith({ output: { ...own.output, tied: true } }), own);
    const error = await errorOf(() => loadPretrained(file));
    expect(error).toMatchObject({ code: "invalid_file", path: "the bytes:archive/gatewise.json" });
    expect(error.message).toContain("is not the embeddings");
  });
});
