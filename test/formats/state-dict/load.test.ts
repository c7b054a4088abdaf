// `model.loadStateDict`: all or nothing. What is missing, what is not expected, what has another shape; where modules go.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type BackendName, type ErrorCode, GatewiseError, type GivenTensors, type LoadStateOptions, type Model, createModel } from "gatewise";
import { encodeSafetensors } from "gatewise/formats";
import * as fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";

import { BACKENDS, errorOf as failureOf, expectError, risingOrFalling, sameBits, smallModel } from "../../facade/support.js";
import { type Tensors, recurrent, tensorsOf } from "./support.js";

const folder = mkdtempSync(join(tmpdir(), "gatewise-states-"));
afterAll(() => rmSync(folder, { recursive: true }));

const lstm = (prefix: string, inputs: number, units: number, end = "_l0") => recurrent(prefix, [4, inputs, units], end);

/** The state dict of a module like `smallModel`. */
const STACK = { ...lstm("rnn.", 3, 8), ...lstm("rnn.", 8, 8, "_l1"), "fc.weight": [2, 8], "fc.bias": [2] };
const LIST = { ...lstm("encoder.lstm1.", 3, 8), ...lstm("encoder.lstm2.", 8, 5), "fc.weight": [2, 5], "fc.bias": [2] };

/** The weights' bits, from the core. */
async function bitsOf(model: { save(): Promise<Uint8Array> }): Promise<Buffer> {
  return Buffer.from(await model.save());
}

/** Fails unless the call fails so, and leaves every bit of the model as it was. */
async function refused(model: Model<"falling" | "rising">, source: Parameters<typeof model.loadStateDict>[0], options: LoadStateOptions, code: ErrorCode, path: string): Promise<string> {
  const [before, numbers] = [await bitsOf(model), model.parameters()];
  const { message } = await expectError(() => model.loadStateDict(source, options), code, path);
  expect((await bitsOf(model)).equals(before)).toBe(true);
  expect(model.parameters()).toEqual(numbers);
  return message;
}

/** Each of these tensors is in the model under that name. */
function expectLoaded(model: { parameters(): ReturnType<Model["parameters"]> }, tensors: Tensors, places: Readonly<Record<string, string>>): void {
  const found = model.parameters();
  for (const [name, place] of Object.entries(places)) expect(sameBits(found[place]?.data ?? new Float32Array(0), tensors[name]?.data ?? new Float32Array(1)), name).toBe(true);
}

const MAP = { "encoder.lstm1": "layers.0", "encoder.lstm2": "layers.1", fc: "output" };

describe.each(BACKENDS)("on %s", (backend: BackendName) => {
  test("another model's parameters, a file of them, and its bytes", async () => {
    using teacher = await smallModel(backend);
    await teacher.fit(risingOrFalling(20), { epochs: 1 });
    const path = join(folder, `${backend}.safetensors`);
    await teacher.save(path);
    for (const source of [teacher.parameters(), new Map(Object.entries(teacher.parameters())), path, await teacher.save(), await encodeSafetensors(teacher.parameters())]) {
      using fresh = await smallModel(backend);
      expect((await bitsOf(fresh)).equals(await bitsOf(teacher))).toBe(false);
      expect(await fresh.loadStateDict(source)).toEqual({ missing: [], unexpected: [] });
      expect((await bitsOf(fresh)).equals(await bitsOf(teacher))).toBe(true);
    }
  });

  test("while the model trains, and once it is disposed of", async () => {
    using model = await smallModel(backend);
    const fit = model.fit(risingOrFalling(100), { epochs: 20 });
    await expectError(() => model.loadStateDict(tensorsOf(LIST), { map: MAP }), "model_busy", "");
    await fit;
    // A training that begins while the file is read.
    const loading = model.loadStateDict(tensorsOf(LIST), { map: MAP });
    const steps = model.training(risingOrFalling(100), { epochs: 1000 });
    const first = steps.next();
    await expectError(() => loading, "model_busy", "");
    await first;
    await steps.return({} as never);
    expect(await model.loadStateDict(tensorsOf(LIST), { map: MAP })).toEqual({ missing: [], unexpected: [] });
    model.dispose();
    await expectError(() => model.loadStateDict(tensorsOf(LIST)), "model_disposed", "");
    await expectError(() => model.stateDict(), "model_disposed", "");
  });
});

describe("what does not meet", () => {
  test("missing and unexpected tensors are listed together, with other shapes", async () => {
    using model = await smallModel("native");
    const { "fc.bias": _, ...tensors } = tensorsOf({ ...LIST, "fc.weight": [3, 5], "aux.weight": [7, 7], "aux.bias": [7] });
    const message = await refused(model, tensors, { map: MAP }, "state_mismatch", "fc.weight");
    expect(message).toContain("missing: output.bias.");
    expect(message).toContain("unexpected: aux.weight, aux.bias.");
    expect(message).toContain("fc.weight (output.weight) is [3, 5], the model's is [2, 5]");
  });

  test("every other shape is listed, of another rank too", async () => {
    using model = await smallModel("native");
    const message = await refused(model, tensorsOf({ ...LIST, ...lstm("encoder.lstm1.", 3, 9), "fc.bias": [2, 1] }), { map: MAP, strict: false }, "state_mismatch", "encoder.lstm1.weight_ih_l0");
    for (const name of Object.keys(lstm("encoder.lstm1.", 3, 9))) expect(message).toContain(name);
    expect(message).toContain("fc.bias (output.bias) is [2, 1], the model's is [2]");
  });

  test("strict: false loads what is there, and tells the rest", async () => {
    using model = await smallModel("native");
    const before = model.parameters();
    const { "fc.bias": _, "encoder.lstm2.weight_hh_l0": __, ...tensors } = tensorsOf({ ...LIST, "aux.weight": [7, 7] });
    const told = await model.loadStateDict(tensors, { map: MAP, strict: false });
    expect(told).toEqual({ missing: ["layers.1.weight_hh_l0", "output.bias"], unexpected: ["aux.weight"] });
    expectLoaded(model, tensors, { "encoder.lstm1.weight_ih_l0": "layers.0.weight_ih_l0", "fc.weight": "output.weight" });
    const after = model.parameters();
    expect(after["output.bias"]).toEqual(before["output.bias"]);
    expect(after["layers.1.weight_hh_l0"]).toEqual(before["layers.1.weight_hh_l0"]);
  });

  test("numbers that are not finite name their tensor", async () => {
    using model = await smallModel("native");
    for (const bad of [Number.NaN, Infinity, -Infinity]) {
      const tensors = tensorsOf(LIST);
      (tensors["fc.bias"]?.data ?? new Float32Array(2))[1] = bad;
      const message = await refused(model, tensors, { map: MAP }, "not_finite", "fc.bias");
      expect(message).toContain(`number 1 of fc.bias (output.bias) is ${bad}`);
    }
  });

  test.each(BACKENDS)("numbers that are not finite are loaded where that is asked for: on %s the model runs, and neither trains nor saves", async (backend) => {
    using model = await smallModel(backend);
    const data = risingOrFalling(4);
    const tensors = tensorsOf(LIST);
    (tensors["fc.bias"]?.data ?? new Float32Array(2))[1] = Number.NaN;
    await model.loadStateDict(tensors, { map: MAP, allowNotFinite: true });
    expect(model.parameters()["output.bias"]?.data[1]).toBeNaN();
    expect(model.run(data.x, new Float32Array(2 * 4), Uint32Array.from(data.lengths))).toEqual(new Float32Array(2 * 4).fill(Number.NaN));
    await expectError(() => model.predict(data), "not_finite", "predictions[0]");
    await expectError(() => model.save(), "not_finite", "output.bias");
    await expectError(() => model.fit(data, { epochs: 1 }), "not_finite", "output.bias");
    (tensors["fc.bias"]?.data ?? new Float32Array(2))[1] = 0;
    await model.loadStateDict(tensors, { map: MAP });
    expect((await model.predict(data))[0]?.probabilities.rising).toBeGreaterThan(0);
    await model.save();
  });

  test("a tensor whose reading fails", async () => {
    using model = await smallModel("native");
    const tensors = new Map(Object.entries(tensorsOf(LIST)).map(([name, { shape, data }]) => [name, { shape, type: "f32" as const, read: async () => data }]));
    const failing = (read: () => Promise<Float32Array>) => new Map([...tensors, ["fc.bias", { shape: [2], type: "f32" as const, read }]]);
    const lost = failing(() => Promise.reject(new GatewiseError("file_access", "source", "the disk is gone, and with it the file")));
    await refused(model, lost, { map: MAP }, "file_access", "source");
    await refused(model, failing(async () => new Float32Array(1)), { map: MAP }, "state_mismatch", "fc.bias");
  });

  test("what is no tensor, and no state dict", async () => {
    using model = await smallModel("native");
    const weights = tensorsOf(LIST);
    await refused(model, { ...weights, "fc.bias": { shape: [2], data: [1, 2] } } as unknown as GivenTensors, {}, "invalid_option", "fc.bias");
    await refused(model, { ...weights, "fc.bias": { shape: [2], data: new Float32Array(3) } }, {}, "shape_mismatch", "fc.bias");
    await refused(model, { ...weights, "fc.bias": { shape: [2], data: new Float32Array(new SharedArrayBuffer(8)) } }, {}, "shared_buffer", "fc.bias");
    await refused(model, { ...weights, "fc.bias": null } as unknown as GivenTensors, {}, "invalid_option", "fc.bias");
    for (const nothing of [null, undefined, 3, [weights], new Float32Array(4)]) await refused(model, nothing as never, {}, "invalid_option", "source");
    await refused(model, new Uint8Array(3), {}, "invalid_file", "");
    await refused(model, join(folder, "nothing"), {}, "file_access", "source");
    await refused(model, {}, {}, "state_mismatch", "layers.0.weight_ih_l0");
  });

  test("options that there are not", async () => {
    using model = await smallModel("native");
    const tensors = tensorsOf(LIST);
    await refused(model, tensors, { stict: true } as never, "invalid_option", "options.stict");
    await refused(model, tensors, { strict: "yes" } as never, "invalid_option", "options.strict");
    await refused(model, tensors, { map: { fc: 3 } } as never, "invalid_option", "options.map.fc");
    const message = await refused(model, tensors, { map: { "encoder.lstm3": "layers.0" } }, "invalid_option", "options.map.encoder.lstm3");
    expect(message).toContain('did you mean "encoder.lstm1"?');
    await refused(model, tensors, { map: { "encoder.lstm1": "layers.0", "encoder.lstm2": "layers.0" } }, "invalid_option", "options.map");
    const place = await refused(model, tensors, { map: { fc: "outptu" } }, "invalid_option", "options.map.fc");
    expect(place).toContain('"outptu" is no place in a model: did you mean "output"?');
    const far = await refused(model, tensors, { map: { fc: "nix.weight" } }, "invalid_option", "options.map.fc");
    expect(far).toContain("places begin with layers, embedding");
    await refused(model, await encodeSafetensors(tensors), { path: "model" }, "invalid_option", "options.path");
  });
});

describe("where modules go without a map", () => {
  const place = async (shapes: Readonly<Record<string, readonly number[]>>, options: LoadStateOptions = {}) => {
    const model = await smallModel("native");
    await model.loadStateDict(tensorsOf(shapes), options);
    return model;
  };

  test("a list by its sizes, and the one linear map", async () => {
    using model = await place({ "head.weight": [2, 5], "head.bias": [2], ...lstm("b.", 8, 5), ...lstm("a.", 3, 8) });
    const tensors = tensorsOf({ "head.weight": [2, 5], "head.bias": [2], ...lstm("b.", 8, 5), ...lstm("a.", 3, 8) });
    expectLoaded(model, tensors, { "a.weight_ih_l0": "layers.0.weight_ih_l0", "b.weight_ih_l0": "layers.1.weight_ih_l0", "head.weight": "output.weight" });
  });

  test("of several linear maps the one whose shape fits: the others are not expected", async () => {
    using model = await smallModel("native");
    const shapes = { ...LIST, "aux.weight": [7, 5], "aux.bias": [7] };
    const message = await refused(model, tensorsOf(shapes), {}, "state_mismatch", "aux.weight");
    expect(message).toContain("unexpected: aux.weight, aux.bias");
    expect(await model.loadStateDict(tensorsOf(shapes), { strict: false })).toEqual({ missing: [], unexpected: ["aux.weight", "aux.bias"] });
  });

  test("what fits in several places is asked for", async () => {
    using model = await smallModel("native");
    const twice = { ...LIST, "other.weight": [2, 5], "other.bias": [2] };
    const message = await refused(model, tensorsOf(twice), {}, "state_mismatch", "output.weight");
    expect(message).toContain('of fc, other several could be output: give map, such as { fc: "output" }');
    await refused(model, tensorsOf(twice), { map: { other: "output" } }, "state_mismatch", "fc.weight");
    expect(await model.loadStateDict(tensorsOf(twice), { map: { other: "output" }, strict: false })).toEqual({ missing: [], unexpected: ["fc.weight", "fc.bias"] });
    expectLoaded(model, tensorsOf(twice), { "other.weight": "output.weight" });
  });

  test("an order that sizes leave open is that of counted names, or is asked for", async () => {
    const definition = { input: { features: 3 }, layers: [{ cell: "lstm", units: 3 }, { cell: "lstm", units: 3 }], output: { values: 2 } } as const;
    using model = await createModel(definition);
    const shapes = (first: string, second: string) => tensorsOf({ ...lstm(`${first}.`, 3, 3), ...lstm(`${second}.`, 3, 3), "fc.weight": [2, 3], "fc.bias": [2] });
    await model.loadStateDict(shapes("lstm10", "lstm9"));
    expectLoaded(model, shapes("lstm10", "lstm9"), { "lstm9.weight_ih_l0": "layers.0.weight_ih_l0", "lstm10.weight_hh_l0": "layers.1.weight_hh_l0" });
    const error = await expectError(() => model.loadStateDict(shapes("lower", "upper")), "state_mismatch", "layers.0.weight_ih_l0");
    expect(error.message).toContain('the order of lower, upper does not follow from their sizes: give map, such as { lower: "layers.0", upper: "layers.1" }');
    await model.loadStateDict(shapes("lower", "upper"), { map: { upper: "layers.0", lower: "layers.1" } });
    expectLoaded(model, shapes("lower", "upper"), { "upper.weight_ih_l0": "layers.0.weight_ih_l0" });
  });

  test("the state dict of a bare nn.LSTM, whose names have no prefix", async () => {
    using model = await createModel({ input: { features: 3 }, layers: [{ cell: "lstm", units: 4 }], output: { values: 2 } });
    const tensors = tensorsOf(lstm("", 3, 4));
    for (const options of [{}, { map: { "": "layers" } }]) {
      expect(await model.loadStateDict(tensors, { ...options, strict: false })).toEqual({ missing: ["output.weight", "output.bias"], unexpected: [] });
    }
    expectLoaded(model, tensors, { weight_ih_l0: "layers.0.weight_ih_l0", bias_hh_l0: "layers.0.bias_hh_l0" });
  });

  test("the one stack goes to the layers whatever its sizes: what is wrong is its shapes", async () => {
    using model = await smallModel("native");
    const message = await refused(model, tensorsOf(STACK), {}, "state_mismatch", "rnn.weight_ih_l1");
    expect(message).not.toContain("missing");
    expect(message).toContain("rnn.weight_ih_l1 (layers.1.weight_ih_l0) is [32, 8], the model's is [20, 8]");
  });

  test("attention's score, which nn.Linear keeps as a row", async () => {
    using model = await createModel({ input: { features: 3 }, layers: [{ cell: "lstm", units: 4 }], output: { values: 2, at: "attention", attentionUnits: 5 } });
    const shapes = { ...lstm("rnn.", 3, 4), "W.weight": [5, 4], "W.bias": [5], "v.weight": [1, 5], "fc.weight": [2, 4], "fc.bias": [2] };
    const map = { W: "attention", "v.weight": "attention.score", fc: "output" };
    expect(await model.loadStateDict(tensorsOf(shapes), { map })).toEqual({ missing: [], unexpected: [] });
    expectLoaded(model, tensorsOf(shapes), { "v.weight": "attention.score", "W.weight": "attention.weight", "fc.bias": "output.bias" });
  });
});

test("a head that is said to be the embeddings and is not", async () => {
  const definition = { input: { tokens: 5, embedding: 4 }, layers: [{ cell: "lstm", units: 4 }], output: { classes: ["a", "b", "c", "d", "e"], tied: true } } as const;
  using model = await createModel(definition);
  const tensors = tensorsOf({ ...lstm("rnn.", 4, 4), "embedding.weight": [5, 4], "output.weight": [5, 4], "output.bias": [5] });
  const before = await bitsOf(model);
  await expectError(() => model.loadStateDict(tensors), "state_mismatch", "output.weight");
  expect((await bitsOf(model)).equals(before)).toBe(true);
  const shared = { ...tensors, "output.weight": { shape: [5, 4], data: tensors["embedding.weight"]?.data.slice() ?? new Float32Array(0) } };
  expect(await model.loadStateDict(shared)).toEqual({ missing: [], unexpected: [] });
});

test("a file that is cut or damaged anywhere: an error with a code and every bit as before, or the numbers that it then says", async () => {
  using model = await createModel({ input: { features: 1 }, layers: [{ cell: "rnn", units: 1 }], output: { values: 1 } });
  const whole = await encodeSafetensors(model.parameters());
  const before = await bitsOf(model);
  for (let length = 0; length < whole.length; length++) {
    expect((await failureOf(() => model.loadStateDict(whole.subarray(0, length)))).code).toBe("invalid_file");
    expect((await bitsOf(model)).equals(before)).toBe(true);
  }
  const start = whole.length - 6 * 4;
  await fc.assert(
    fc.asyncProperty(fc.nat(8 * whole.length - 1), async (bit) => {
      const bytes = whole.slice();
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const error = await model.loadStateDict(bytes).then(() => undefined, (error: unknown) => error);
      if (error === undefined) {
        // Tensors lie in the file in another order than in the model. As bits: 0 and −0 are two numbers.
        const numbers = Float32Array.from(Object.values(model.parameters()).flatMap(({ data }) => Array.from(data)));
        await model.loadStateDict(whole);
        expect(new Uint32Array(numbers.buffer).toSorted()).toEqual(new Uint32Array(bytes.slice(start).buffer).toSorted());
      } else expect(error).toBeInstanceOf(GatewiseError);
      expect((await bitsOf(model)).equals(before)).toBe(true);
    }),
    { numRuns: 500 },
  );
});
