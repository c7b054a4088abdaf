// What stands in an exported file beside the numbers, what it may be asked for, and what it refuses.

import { readFileSync } from "node:fs";

import { type ModelDefinition, createModel } from "gatewise";
import { exportOnnx } from "gatewise/formats";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, test } from "vitest";

import { assertSize } from "../../../dist/formats/onnx/export.js";
import { errorOf, risingOrFalling, smallModel } from "../../facade/support.js";
import { errorOf as distance } from "../../vectors/measure.js";
import { randomModel } from "../random-model.js";
import { BOUND } from "./measure.js";
import { decode } from "./onnx-proto.js";
import { runOnnx } from "./session.js";

const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as { version: string };

/** Everything at once: tokens, numbers, statics as states, an operator, a loop, labels at each step. */
const rich: ModelDefinition = {
  input: { features: 3, tokens: 5, embedding: 4, padding: 0, statics: 2, staticsAs: "states" },
  layers: [
    { cell: "gru", units: 6 },
    { cell: "lstm", units: 8, projection: 3 },
  ],
  output: { labels: ["fever", "cough"], at: "each" },
};

test("it says who wrote it, for which operators, what goes in and what comes out", async () => {
  using model = await randomModel(rich, 1);
  const file = decode(await exportOnnx(model));
  expect(file).toMatchObject({ irVersion: 8, producerName: "gatewise", producerVersion: version });
  expect(file.opsetImport).toEqual([{ domain: "", version: 17 }]);
  expect(file.graph.input.map(described)).toEqual([
    "x float [n, steps, 3]",
    "tokens int64 [n, steps]",
    "statics float [n, 2]",
    "lengths int64 [n]",
  ]);
  expect(file.graph.output.map(described)).toEqual(["probabilities float [n, steps, 2]"]);
  for (const { docString } of [...file.graph.input, ...file.graph.output]) expect(docString).toMatch(/: \[n[^\]]*\]\./);
});

test("states are inputs and outputs where they are asked for, lengths are none where they are not", async () => {
  using model = await randomModel(rich, 1);
  const { graph } = decode(await exportOnnx(model, { states: true, lengths: false }));
  expect(graph.input.map(described)).toEqual([
    "x float [n, steps, 3]",
    "tokens int64 [n, steps]",
    "statics float [n, 2]",
    "layers.0.initial_hidden float [1, n, 6]",
    "layers.1.initial_hidden float [1, n, 3]",
    "layers.1.initial_cell float [1, n, 8]",
    "begins bool [n]",
  ]);
  expect(graph.output.map(described)).toEqual([
    "probabilities float [n, steps, 2]",
    "layers.0.final_hidden float [1, n, 6]",
    "layers.1.final_hidden float [1, n, 3]",
    "layers.1.final_cell float [1, n, 8]",
  ]);
});

function described({ name, type }: ReturnType<typeof decode>["graph"]["input"][number]): string {
  const { elemType, shape } = type.tensorType;
  const sizes = shape.dim.map(({ dimValue, dimParam }) => (dimParam ? dimParam : Number(dimValue)));
  return `${name} ${{ 1: "float", 7: "int64", 9: "bool" }[elemType]} [${sizes.join(", ")}]`;
}

test("definition, pipeline and names are in the metadata, as JSON", async () => {
  using model = await smallModel("native");
  const preprocessing = { version: 1, columns: { value: "number" } };
  const exported = { definition: model.definition, parameters: () => model.parameters(), preprocessing: preprocessing as never };
  const { metadataProps } = decode(await exportOnnx(exported));
  expect(Object.fromEntries(metadataProps.map(({ key, value }) => [key, JSON.parse(value) as unknown]))).toEqual({
    "gatewise.definition": model.definition,
    "gatewise.preprocessing": preprocessing,
    "gatewise.classes": ["falling", "rising"],
  });
});

test("the same model gives the same bytes, and tensors are there once", async () => {
  const tied: ModelDefinition = {
    input: { tokens: 300, embedding: 40 },
    layers: [{ cell: "lstm", units: 40 }],
    output: { classes: Array.from({ length: 300 }, (_, name) => `${name}`), tied: true },
  };
  using model = await randomModel(tied, 1);
  const [first, second] = [await exportOnnx(model), await exportOnnx(model)];
  expect(Buffer.compare(first, second)).toBe(0);
  const numbers = Object.values(model.parameters()).reduce((total, { data }) => total + data.length, 0);
  expect(first.length).toBeGreaterThan(4 * numbers);
  expect(first.length).toBeLessThan(4 * numbers + 8_000);
});

test("a stream's steps, one call each: states go from call to call, and begin from statics where it says so", async () => {
  using model = await randomModel({ ...rich, output: { values: 2 } }, 3);
  const session = await InferenceSession.create(await exportOnnx(model, { states: true, lengths: false }));
  const statics = Float32Array.of(0.5, -0.25);
  using stream = model.stream({ statics });
  let states: Record<string, Tensor> = {
    "layers.0.initial_hidden": zeros(6),
    "layers.1.initial_hidden": zeros(3),
    "layers.1.initial_cell": zeros(8),
  };
  for (let step = 0; step < 5; step++) {
    const x = Float32Array.of(step / 5, 0.5, -step / 3);
    const outputs = await session.run({
      x: new Tensor("float32", x, [1, 1, 3]),
      tokens: new Tensor("int64", BigInt64Array.of(BigInt(step)), [1, 1]),
      statics: new Tensor("float32", statics, [1, 2]),
      begins: new Tensor("bool", Uint8Array.of(step === 0 ? 1 : 0), [1]),
      ...states,
    });
    const expected = Float64Array.from(stream.run({ x, token: step }, new Float32Array(2)));
    expect(distance(outputs["values"]?.data as Float32Array, expected)).toBeLessThan(BOUND);
    states = Object.fromEntries(Object.keys(states).map((name) => [name, outputs[name.replace("initial", "final")] as Tensor]));
  }
  await session.release();
});

function zeros(size: number): Tensor {
  return new Tensor("float32", new Float32Array(size), [1, 1, size]);
}

test("a scaling that is not fitted yet leaves numbers as they are; one that training has fitted is applied", async () => {
  const input = { features: 3, scaling: "standard" } as const;
  using model = await createModel({ input, layers: [{ cell: "rnn", units: 4 }], output: { values: 3 } }, { backend: "native" });
  const { x, lengths, shape: [n] } = risingOrFalling(20);
  const targets = Float32Array.from({ length: 3 * n }, (_, k) => k / 60);
  for (const fit of [false, true]) {
    if (fit) await model.fit({ x, shape: [n, 12, 3], lengths, targets }, { epochs: 1 });
    const { values } = await runOnnx(await exportOnnx(model), n, { x, lengths });
    expect(values?.shape).toEqual([n, 3]);
    const expected = Float64Array.from(model.run(x, new Float32Array(3 * n), lengths));
    expect(distance(values?.data ?? new Float32Array(0), expected)).toBeLessThan(BOUND);
  }
});

test.each([
  [{ opset: 21 }, "options.opset", "there is no option opset: there are lengths and states"],
  [{ states: 1 }, "options.states", "states must be true or false, not 1"],
])("%o is no option", async (options, path, message) => {
  using model = await smallModel("native");
  expect(await errorOf(() => exportOnnx(model, options as never))).toMatchObject({ code: "invalid_option", path, message });
});

test("a model that was disposed of, and one too large for the format", async () => {
  const model = await smallModel("native");
  model.dispose();
  expect(await errorOf(() => exportOnnx(model))).toMatchObject({ code: "model_disposed" });
  // Never written to, so it takes no memory.
  const rawData = new Uint8Array(2 ** 30);
  const initializer = ["a", "b"].map((name) => ({ name, dims: [2 ** 28], dataType: 1, rawData }));
  const error = await errorOf(() => assertSize({ initializer }));
  expect(error).toMatchObject({ code: "not_expressible", path: "model" });
  expect(error.message).toContain("2147483648 bytes of weights");
});
