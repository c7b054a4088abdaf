// `gatewise convert`: weights from PyTorch's own file into each format and back, and what it says where it cannot.

import { copyFileSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { createModel, loadModel } from "gatewise";
import { definePipeline } from "gatewise/data";
import { encodeSafetensors, readPyTorch, readSafetensors } from "gatewise/formats";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { errorOf } from "../formats/state-dict/support.js";
import { gatewise, newFolder } from "./support.js";

const CHECKPOINT = fileURLToPath(new URL("../vectors/state-dicts/checkpoint.pt", import.meta.url));
const HINTS = ["--values", "2", "--at", "last"];

const folder = newFolder();
const path = (name: string) => join(folder, name);
beforeAll(() => {
  copyFileSync(CHECKPOINT, path("in.pt"));
  writeFileSync(path("short.pt"), readFileSync(CHECKPOINT).subarray(0, 4));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function expectConverted(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await gatewise(["convert", ...args], folder);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

/** Fails so, and writes nothing. */
async function expectFailure(args: readonly string[], exit: number, words: string): Promise<void> {
  const before = readdirSync(folder);
  const { code, stdout, stderr } = await gatewise(["convert", ...args], folder);
  expect({ code, stdout }).toEqual({ code: exit, stdout: "" });
  expect(stderr).toContain(words);
  expect(readdirSync(folder)).toEqual(before);
}

describe("a checkpoint of PyTorch's", () => {
  test("becomes a model that predicts what its module does", async () => {
    expect(await expectConverted("in.pt", "model.safetensors", ...HINTS)).toBe("model.safetensors: lstm 6, lstm 3, lstm 3; 524 parameters, as a Gatewise model\n");
    using model = await loadModel<{ values: 2 }>(path("model.safetensors"));
    expect(errorOf("parts", model)).toBeLessThan(2e-6);
  });

  test("another of its entries", async () => {
    await expectConverted("in.pt", "ema.safetensors", "--path", "ema", ...HINTS);
    using model = await loadModel(path("ema.safetensors"));
    expect(model.parameters()["output.weight"]?.data.every((value) => value === 0)).toBe(true);
  });

  test("goes through every format and back, and loses nothing", async () => {
    const names = ["--names", "encoder.lstm1=layers.0,encoder.lstm2=layers.1,classifier=output"];
    await expectConverted("in.pt", "model.safetensors", ...HINTS);
    await expectConverted("model.safetensors", "plain.safetensors", "--to", "safetensors", ...names);
    await expectConverted("plain.safetensors", "out.pth", ...HINTS, ...names);
    // No hint: the file tells all that PyTorch's own names and shapes do not.
    await expectConverted("out.pth", "again.safetensors");
    expect(readFileSync(path("again.safetensors")).equals(readFileSync(path("model.safetensors")))).toBe(true);
    const [first, last] = [await readPyTorch(path("in.pt")), await readPyTorch(path("out.pth"))];
    const plain = await readSafetensors(path("plain.safetensors"));
    const expected = first.tensors("model");
    for (const tensors of [last.tensors(), plain.tensors]) {
      expect([...tensors.keys()].toSorted()).toEqual([...expected.keys()].toSorted());
      for (const [name, tensor] of expected) expect(await tensors.get(name)?.read()).toEqual(await tensor.read());
    }
    expect([...plain.metadata]).toEqual([["format", "pt"]]);
    for (const file of [first, last, plain]) await file.close();
  });

  test("a model of ours goes to PyTorch's format and back with its pipeline, byte for byte", async () => {
    const rows = Array.from({ length: 30 }, (_, index) => ({ customer: index % 6, value: index % 7, kind: index % 2 === 0 ? "lapsed" : "returning" }));
    const pipeline = definePipeline({ group: "customer", features: [{ column: "value", scale: "standard" }], target: { label: "kind", classes: ["lapsed", "returning"] } }).fit(rows);
    using model = await createModel({ input: { features: 1 }, layers: [{ cell: "gru", units: 3, dropout: 0.25 }], output: { classes: ["lapsed", "returning"] } });
    await model.fit(pipeline.apply(rows), { epochs: 1 });
    await model.save(path("fitted.safetensors"));
    await expectConverted("fitted.safetensors", "fitted.pt", "--names", "gru=layers,fc=output");
    await expectConverted("fitted.pt", "again.pt");
    await expectConverted("again.pt", "again.safetensors");
    expect(readFileSync(path("again.safetensors")).equals(readFileSync(path("fitted.safetensors")))).toBe(true);
    await expectFailure(["fitted.pt", "out.safetensors", "--values", "2"], 2, "this file holds its own definition: leave output out");
    const bytes = readFileSync(path("fitted.pt"));
    bytes.write("9", bytes.indexOf('{"version":1') + 11);
    writeFileSync(path("damaged.pt"), bytes);
    await expectFailure(["damaged.pt", "out.safetensors"], 1, "damaged.pt: archive/gatewise.json: its bytes are not those of its checksum");
  });

  test("becomes ONNX, which ONNX Runtime runs", async () => {
    await expectConverted("in.pt", "model.safetensors", ...HINTS);
    await expectConverted("model.safetensors", "model.onnx");
    const session = await InferenceSession.create(path("model.onnx"));
    const x = Float32Array.from({ length: 2 * 3 * 4 }, (_, index) => Math.sin(index));
    const { values } = await session.run({ x: new Tensor("float32", x, [2, 3, 4]), lengths: new Tensor("int64", BigInt64Array.of(3n, 2n), [2]) });
    using model = await loadModel<{ values: 2 }>(path("model.safetensors"));
    const y = model.run(x, new Float32Array(4), Uint32Array.of(3, 2));
    const numbers = values?.data as Float32Array | undefined;
    expect(numbers).toHaveLength(4);
    for (const [index, value] of numbers?.entries() ?? []) expect(Math.abs(value - (y[index] ?? Number.NaN))).toBeLessThan(1e-5);
  });

  test("--json tells what was written", async () => {
    const document = JSON.parse(await expectConverted("in.pt", "model.safetensors", ...HINTS, "--json"));
    expect(document).toMatchObject({ file: "model.safetensors", format: "gatewise", parameters: 524, definition: { input: { features: 4 }, output: { values: 2 } } });
  });
});

describe("what is told of weights", () => {
  test("hints and whole definitions out of files, options over them", async () => {
    writeFileSync(path("hints.json"), JSON.stringify({ output: { values: 2, at: "mean" }, layers: { dropout: 0.25 }, seed: 4, map: { classifier: "output" } }));
    await expectConverted("in.pt", "hinted.safetensors", "--hints", "hints.json", "--at", "each");
    using hinted = await loadModel(path("hinted.safetensors"));
    expect(hinted.definition).toMatchObject({ seed: 4, output: { values: 2, at: "each" }, layers: [{ dropout: 0.25 }, { dropout: 0.25 }, { dropout: 0.25 }] });
    writeFileSync(path("definition.json"), JSON.stringify(hinted.definition));
    await expectConverted("in.pt", "defined.safetensors", "--definition", "definition.json");
    expect(readFileSync(path("defined.safetensors")).equals(readFileSync(path("hinted.safetensors")))).toBe(true);
  });

  test("classes, labels, an activation, and what has no place", async () => {
    using rnn = await createModel({ input: { features: 2 }, layers: [{ cell: "rnn", units: 3, activation: "relu" }], output: { labels: ["a", "b"] } });
    const tensors = { ...(await rnn.stateDict()), "aux.weight": { shape: [1, 1, 1], data: new Float32Array(1) } };
    writeFileSync(path("rnn.safetensors"), await encodeSafetensors(tensors));
    await expectFailure(["rnn.safetensors", "out.safetensors", "--labels", "a,b", "--at", "last"], 2, "On the command line: --activation");
    await expectFailure(["rnn.safetensors", "out.safetensors", "--labels", "a,b", "--at", "last", "--activation", "relu"], 1, "On the command line: --map, --partial");
    await expectConverted("rnn.safetensors", "labelled.safetensors", "--labels", "a,b", "--at", "last", "--activation", "relu", "--partial");
    await expectConverted("rnn.safetensors", "classified.safetensors", "--classes", "no, yes", "--at", "last", "--activation", "relu", "--partial");
    using labelled = await loadModel(path("labelled.safetensors"));
    expect(labelled.definition).toMatchObject({ layers: [{ activation: "relu" }], output: { labels: ["a", "b"] } });
    using classified = await loadModel(path("classified.safetensors"));
    expect(classified.definition.output).toMatchObject({ classes: ["no", "yes"] });
    expect(classified.parameters()).toEqual(rnn.parameters());
  });
});

describe("what cannot be done", () => {
  test.each<[string, string[], number, string]>([
    ["what the outputs mean is asked for", ["in.pt", "out.safetensors"], 2, "gatewise: output: a file does not say what the 2 numbers of the output mean"],
    ["the options for it are named", ["in.pt", "out.safetensors"], 2, "On the command line: --classes, --labels or --values, with --at"],
    ["a map of what is not there", ["in.pt", "out.safetensors", ...HINTS, "--map", "fc=output"], 2, 'no tensor\'s name begins with "fc"'],
    ["a map that is none", ["in.pt", "out.safetensors", ...HINTS, "--map", "fc:output"], 2, '--map wants pairs such as rnn=layers,fc=output, not "fc:output"'],
    ["steps that there are not", ["in.pt", "out.safetensors", "--values", "2", "--at", "end"], 2, "--at is one of last, each, mean, max, attention"],
    ["an ending that tells no format", ["in.pt", "out.h5", ...HINTS], 2, "the name out.h5 tells no format"],
    ["a format that there is not", ["in.pt", "out.pt", ...HINTS, "--to", "keras"], 2, "--to is one of gatewise, safetensors, pytorch, onnx"],
    ["an entry that there is not", ["in.pt", "out.pt", ...HINTS, "--path", "best"], 2, "On the command line: --path"],
    ["a file that is not there", ["nothing.pt", "out.pt", ...HINTS], 1, "nothing.pt: "],
    ["a place that there is not", ["in.pt", "out.pt", ...HINTS, "--map", "classifier=outptu"], 2, 'did you mean "output"? On the command line: --map'],
    ["a file that was cut off within its first words", ["short.pt", "out.pt", ...HINTS], 1, "short.pt: a zip archive begins here and does not end"],
    ["a file of another format", ["model.onnx", "out.pt", ...HINTS], 1, "model.onnx: this begins as no file of torch.save and no safetensors file does"],
    ["hints that are not there", ["in.pt", "out.pt", "--hints", "nothing.json"], 1, "nothing.json: the file could not be read"],
    ["a folder that is not there", ["in.pt", "nowhere/out.pt", ...HINTS], 1, "this could not be written"],
    ["an option that there is not", ["in.pt", "out.pt", "--class", "a"], 2, 'did you mean "--classes"?'],
  ])("%s", async (_, args, exit, words) => {
    await expectFailure(args, exit, words);
  });

  test("files that are damaged, no JSON, or cannot be said in PyTorch", async () => {
    writeFileSync(path("cut.pt"), readFileSync(CHECKPOINT).subarray(0, 5000));
    await expectFailure(["cut.pt", "out.safetensors", ...HINTS], 1, "cut.pt: ");
    writeFileSync(path("broken.json"), "{");
    await expectFailure(["in.pt", "out.safetensors", "--hints", "broken.json"], 1, "broken.json: the file is no JSON of an object");
    using model = await createModel({ input: { features: 2 }, layers: [{ cell: "lstm", units: 3, peepholes: true }], output: { values: 1 } });
    await model.save(path("peepholes.safetensors"));
    await expectFailure(["peepholes.safetensors", "out.pt"], 1, "definition.layers[0].peepholes: layer 0 has peepholes, which no module of PyTorch's computes (not_expressible)");
    expect(existsSync(path("out.pt"))).toBe(false);
  });
});
