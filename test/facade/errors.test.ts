// Each way in which a caller can be wrong: a code, the place, and a model that is as it was.

import { type LabelledData, createModel, defineModel, loadModel } from "gatewise";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { BACKENDS, type Direction, definition, expectError, risingOrFalling, smallModel, stateOf } from "./support.js";

type SmallModel = Awaited<ReturnType<typeof smallModel>>;
type Data = LabelledData<Direction>;

const good = risingOrFalling(10);
const [n, steps] = good.shape;
const shared = new Float32Array(new SharedArrayBuffer(good.x.byteLength));

/** What is wrong with data, whichever method it is given to. */
const badSequences: [what: string, change: object, code: string, path: string][] = [
  ["wrong rank", { shape: [n * steps, 3] }, "shape_mismatch", "shape"],
  ["a shape that is none", { shape: "10x12x3" }, "shape_mismatch", "shape"],
  ["a shape with a fraction", { shape: [n, 1.5, 3] }, "shape_mismatch", "shape"],
  ["wrong number of features", { shape: [n, steps / 2, 6] }, "shape_mismatch", "input.features"],
  ["a shape that does not fit", { shape: [n + 1, steps, 3] }, "shape_mismatch", "shape"],
  ["empty data", { x: new Float32Array(0), shape: [0, steps, 3], lengths: [], targets: [] }, "empty_data", "x"],
  ["sequences without a step", { x: new Float32Array(0), shape: [n, 0, 3] }, "empty_data", "x"],
  ["numbers in a plain array", { x: [...good.x] }, "invalid_option", "x"],
  ["NaN", { x: withValue(Number.NaN) }, "not_finite", "x[4][1][2]"],
  ["infinity", { x: withValue(Number.NEGATIVE_INFINITY) }, "not_finite", "x[4][1][2]"],
  ["a length beyond the steps", { lengths: withLength(steps + 1) }, "invalid_length", "lengths[6]"],
  ["a length of zero", { lengths: withLength(0) }, "invalid_length", "lengths[6]"],
  ["a negative length", { lengths: withLength(-1) }, "invalid_length", "lengths[6]"],
  ["a length that is no whole number", { lengths: withLength(2.5) }, "invalid_length", "lengths[6]"],
  ["too few lengths", { lengths: [1, 2, 3] }, "shape_mismatch", "lengths"],
  ["lengths of no kind", { lengths: new Float32Array(n) }, "invalid_option", "lengths"],
  ["shared memory", { x: shared }, "shared_buffer", "x"],
  ["lengths in shared memory", { lengths: new Uint32Array(new SharedArrayBuffer(4 * n)) }, "shared_buffer", "lengths"],
  ["lengths that overlap x", { lengths: new Uint32Array(good.x.buffer, 0, n) }, "shared_buffer", "lengths"],
];

const badTargets: [what: string, change: object, code: string, path: string][] = [
  ["a label that is no class", { targets: good.targets.with(7, "sideways" as "rising") }, "unknown_class", "targets[7]"],
  ["a number among labels", { targets: [...good.targets.slice(1), 1] }, "unknown_class", "targets[9]"],
  ["an index that is no class", { targets: new Uint8Array(n).fill(2, 5) }, "unknown_class", "targets[5]"],
  ["a negative index", { targets: new Int8Array(n).fill(-1, 5) }, "unknown_class", "targets[5]"],
  ["too few targets", { targets: ["rising"] }, "shape_mismatch", "targets"],
  ["targets of no kind", { targets: new Float32Array(n) }, "invalid_option", "targets"],
  ["targets that overlap x", { targets: new Uint32Array(good.x.buffer, 4, n) }, "shared_buffer", "targets"],
];

const badOptions: [what: string, options: object, path: string][] = [
  ["a negative learning rate", { optimizer: { kind: "adam", learningRate: -1 } }, "options.optimizer.learningRate"],
  ["a learning rate that is NaN", { optimizer: { kind: "adam", learningRate: Number.NaN } }, "options.optimizer.learningRate"],
  ["an unknown optimizer", { optimizer: { kind: "adagrad" } }, "options.optimizer.kind"],
  ["a batch of nothing", { batchSize: 0 }, "options.batchSize"],
  ["half an epoch", { epochs: 0.5 }, "options.epochs"],
  ["an option that there is not", { epoch: 5 }, "options.epoch"],
  ["a bigint", { epochs: 5n }, "options.epochs"],
  ["a function for data", { clipNorm: () => 1 }, "options.clipNorm"],
];

describe.each(BACKENDS)("errors on %s", (backend) => {
  let model: SmallModel;
  let before: Buffer;
  let answer: unknown;
  beforeAll(async () => {
    model = await smallModel(backend);
    await model.fit(good, { epochs: 1 });
    before = await stateOf(model);
    answer = await model.predict(good);
  });
  afterAll(() => model.dispose());

  /** The call fails as told and leaves the model as it was, to the bit. */
  async function refused(call: () => unknown, code: string, path: string) {
    const error = await expectError(call, code as Parameters<typeof expectError>[1], path);
    expect((await stateOf(model)).equals(before)).toBe(true);
    expect(await model.predict(good)).toEqual(answer);
    return error;
  }

  test.each(badSequences)("%s", async (_what, change, code, path) => {
    const data = { ...good, ...change } as Data;
    await refused(() => model.predict(data), code, path);
    await refused(() => model.evaluate(data), code, path);
    await refused(() => model.fit(data), code, path);
    await refused(() => model.fit(good, { validation: data }), code, `validation.${path}`);
  });

  test.each(badTargets)("%s", async (_what, change, code, path) => {
    const data = { ...good, ...change } as Data;
    await refused(() => model.evaluate(data), code, path);
    await refused(() => model.fit(data), code, path);
    await refused(() => model.fit(good, { validation: data }), code, `validation.${path}`);
  });

  test("an unknown label: the message names it, and the classes that there are", async () => {
    const data = { ...good, targets: good.targets.with(7, "sideways" as "rising") };
    const { message } = await refused(() => model.fit(data), "unknown_class", "targets[7]");
    expect(message).toContain('"sideways"');
    expect(message).toContain('"falling", "rising"');
  });

  test.each(badOptions)("fit with %s", async (_what, options, path) => {
    await refused(() => model.fit(good, options), "invalid_option", path);
  });

  test("no data at all", async () => {
    await refused(() => model.predict(undefined as unknown as Data), "invalid_option", "data");
    await refused(() => model.fit([] as unknown as Data), "invalid_option", "data");
  });

  test("an error far into a long predict names the sequence by its place in the whole", async () => {
    // So long that one turn of the event loop takes no more than one sequence.
    const many = 120_000;
    const x = new Float32Array(4 * many * 3);
    const shape = [4, many, 3] as const;
    await refused(() => model.predict({ x, shape, lengths: [9, 9, many + 1, 9] }), "invalid_length", "lengths[2]");
    x[(2 * many + 7) * 3 + 1] = Number.NaN;
    const { message } = await refused(() => model.predict({ x, shape, lengths: [9, 9, 9, 9] }), "not_finite", "x[2][7][1]");
    expect(message).toContain("sequence 2 ");
  });

  test("run: arrays that do not fit, are not there, or meet in memory", async () => {
    const { x, lengths } = good;
    const y = new Float32Array(2 * n);
    const both = new Float32Array(x.length + y.length);
    await refused(() => model.run(x, new Float32Array(0)), "shape_mismatch", "y");
    await refused(() => model.run(x, new Float32Array(3)), "shape_mismatch", "y");
    await refused(() => model.run(x.subarray(1), y), "shape_mismatch", "x");
    await refused(() => model.run(x, y), "not_finite", "x[0][7][0]");
    await refused(() => model.run([...x] as unknown as Float32Array, y), "invalid_option", "x");
    await refused(() => model.run(x, new Float64Array(2 * n) as unknown as Float32Array), "invalid_option", "y");
    await refused(() => model.run(x, y, [...lengths] as unknown as Uint32Array), "invalid_option", "lengths");
    await refused(() => model.run(x, y, new Uint32Array(n)), "invalid_length", "lengths[0]");
    await refused(() => model.run(x, x.subarray(0, 2 * n)), "shared_buffer", "y");
    await refused(() => model.run(both.subarray(0, x.length), both.subarray(x.length - 1, x.length + 19)), "shared_buffer", "y");
    await refused(() => model.run(shared, y), "shared_buffer", "x");
    await refused(() => model.run(x, shared.subarray(0, 2 * n)), "shared_buffer", "y");
    await refused(() => model.run(x, y, new Uint32Array(y.buffer, 0, n)), "shared_buffer", "y");
    // Beside each other in one buffer is apart.
    model.run(both.subarray(0, x.length), both.subarray(x.length));
  });

  test("a stream's step that does not fit leaves its state", async () => {
    const stream = model.stream();
    const twin = model.stream();
    const step = new Float32Array([0.1, 0.2, 0.3]);
    stream.next(step);
    twin.next(step);
    await refused(() => stream.next(new Float32Array(4)), "shape_mismatch", "features");
    await refused(() => stream.next(new Float32Array([0, Number.NaN, 0])), "not_finite", "features[1]");
    await refused(() => stream.run(step, new Float32Array(3)), "shape_mismatch", "y");
    await refused(() => stream.run(step, step.subarray(1)), "shared_buffer", "y");
    await refused(() => stream.next([1, 2, 3] as unknown as Float32Array), "invalid_option", "features");
    expect(stream.next(step)).toEqual(twin.next(step));
    stream.dispose();
    twin.dispose();
  });

  test.each([
    ["zero units", { layers: [definition.layers[0], { cell: "lstm", units: 0 }] }, "definition.layers[1].units"],
    ["an unknown cell", { layers: [{ cell: "gru2", units: 4 }] }, "definition.layers[0].cell"],
    ["no layers", { layers: [] }, "definition.layers"],
    ["no features", { input: { features: 0 } }, "definition.input.features"],
    ["features that are NaN", { input: { features: Number.NaN } }, "definition.input.features"],
    ["two classes of one name", { output: { classes: ["a", "a"] } }, "definition.output.classes[1]"],
    ["a field that there is not", { layers: [{ cell: "lstm", unit: 4 }] }, "definition.layers[0].unit"],
    ["a function for data", { seed: () => 1 }, "definition"],
  ])("a definition with %s", async (_what, change, path) => {
    const bad = { ...definition, ...change } as typeof definition;
    await expectError(() => createModel(bad, { backend }), "invalid_definition", path);
  });

  test("threads that cannot be", async () => {
    for (const threads of [0, -1, 1.5, Number.NaN]) {
      await expectError(() => createModel(definition, { backend, threads }), "invalid_option", "options.threads");
    }
  });

  test("a file that is truncated, damaged, foreign or not there", async () => {
    const file = new Uint8Array(await model.save());
    for (const length of [0, 7, 8, 100, file.length - 1]) {
      await expectError(() => loadModel(file.slice(0, length), { backend }), "invalid_file", expect.any(String));
    }
    const foreign = new TextEncoder().encode('{"this is":"not a model"}');
    await expectError(() => loadModel(foreign, { backend }), "invalid_file", expect.any(String));
    await expectError(() => loadModel("/nowhere/model.safetensors", { backend }), "file_access", "source");
    await expectError(() => loadModel(7 as unknown as Uint8Array, { backend }), "invalid_option", "source");
    const inShared = new Uint8Array(new SharedArrayBuffer(file.length));
    await expectError(() => loadModel(inShared, { backend }), "shared_buffer", "source");
    await refused(() => model.save("/nowhere/model.safetensors"), "file_access", "location");
  });
});

test("a definition that holds no data is refused before anything is loaded", () => {
  const change = { seed: (() => 1) as unknown as number };
  expect(() => defineModel({ ...definition, ...change })).toThrow(/plain data/);
});

/** A copy of the good numbers with another one in sample 4, step 1, feature 2. */
function withValue(value: number): Float32Array {
  return good.x.with((4 * steps + 1) * 3 + 2, value);
}

function withLength(length: number): number[] {
  return [...good.lengths].with(6, length);
}
