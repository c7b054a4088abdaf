// Command lines and configurations that make no sense: what a person reads, and the exit code.

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, expect, test } from "vitest";

import { SPENDING, gatewise, newFolder, writeConfig, writeSpending } from "./support.js";

const folder = newFolder();
afterAll(() => rmSync(folder, { recursive: true }));
writeSpending(folder, 20);

test.each([
  [["trian"], 'there is no command "trian": did you mean "train"?'],
  [["sing"], 'there is no command "sing": there are train, evaluate, predict, compare, tune, inspect, convert, doctor'],
  [["--json", "train"], "name a command first"],
  [["train", "--epocs", "3"], 'there is no option --epocs: did you mean "--epochs"?'],
  [["train", "--frobnicate"], "there is no option --frobnicate: there are --config, "],
  [["train", "--epochs"], "--epochs wants a value: --epochs N"],
  [["train", "--epochs", "--json"], "--epochs wants a value"],
  [["train", "--epochs", "many"], '--epochs wants a whole number from 1 on, not "many"'],
  [["train", "--backend", "nativ"], '--backend is one of auto, native, wasm, not "nativ": did you mean "native"?'],
  [["train", "extra"], 'there is no place for "extra"'],
  [["inspect"], "Missing required positional argument: MODEL"],
  [["predict", "m", "d", "--format", "xml"], '--format is one of csv, jsonl, not "xml"'],
])("gatewise %j", async (args, message) => {
  writeConfig(folder, SPENDING);
  const { code, stdout, stderr } = await gatewise(args, folder);
  expect(stderr).toContain(`gatewise: ${message}`);
  expect(code).toBe(2);
  expect(args.includes("--json") ? JSON.parse(stdout).error.code : stdout).toBe(args.includes("--json") ? "usage" : "");
});

const { data, definition, training } = SPENDING;
test.each([
  ["a field that there is not", { ...SPENDING, trainning: {} }, "trainning", 'did you mean "training"?', 2],
  ["no data", { definition }, "data", "this is missing", 2],
  ["data of no kind", { ...SPENDING, data: 3 }, "data", '{ "file", "pipeline" }', 2],
  ["a set that there is not", { ...SPENDING, data: { set: "iris", training: "a" } }, "data.set", '"ucr-ts"', 2],
  ["a share beyond all", { ...SPENDING, split: { by: "class", test: 2 } }, "split.test", "above 0 and below 1", 2],
  ["a training option that there is not", { ...SPENDING, training: { ...training, epocs: 3 } }, "training.epocs", "there is no field", 2],
  ["a learning rate below 0", { ...SPENDING, training: { optimizer: { kind: "adam", learningRate: -1 } } }, "training.optimizer.learningRate", "", 2],
  ["no units", { ...SPENDING, definition: { layers: [{ cell: "gru", units: 0 }] } }, "definition.layers[0].units", "", 2],
  ["no definition", { data }, "definition", 'the configuration has no "definition", which train needs', 2],
  ["threads for WebAssembly", { ...SPENDING, machine: { backend: "wasm", threads: 2 } }, "machine.threads", "", 2],
  ["a column that there is not", { ...SPENDING, data: { ...data, pipeline: { ...data.pipeline, features: ["spnt"] } } }, "columns.spnt", "spnt", 1],
  ["a file that there is not", { ...SPENDING, data: { ...data, file: "none.csv" } }, "source", "none.csv", 1],
  ["a pipeline's field that there is not", { ...SPENDING, data: { ...data, pipeline: { ...data.pipeline, featurs: [] } } }, "data.pipeline.featurs", "", 2],
] as const)("%s", async (_what, config, path, message, exit) => {
  writeConfig(folder, config);
  const { code, stdout, stderr } = await gatewise(["train", "--json"], folder);
  const { error } = JSON.parse(stdout);
  expect({ ...error, code, stderr }).toMatchObject({ path, code: exit, message: expect.stringContaining(message) });
  expect(stderr).toContain(error.message);
});

test("a configuration that is no JSON, or not there", async () => {
  writeFileSync(join(folder, "gatewise.json"), "{ data: ");
  expect(await gatewise(["train"], folder)).toMatchObject({ code: 1, stderr: expect.stringContaining("gatewise.json: the configuration is no JSON: ") });
  const missing = await gatewise(["train", "--config", "none.json"], folder);
  expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining("none.json: the configuration could not be read") });
});

test("a model file that is none names the file", async () => {
  writeFileSync(join(folder, "notes.txt"), "notes");
  for (const args of [["inspect", "notes.txt"], ["evaluate", "notes.txt"], ["predict", "notes.txt", "spending.csv"]]) {
    expect(await gatewise(args, folder)).toMatchObject({ code: 1, stderr: expect.stringMatching(/^gatewise: notes.txt: .*\(invalid_file\)\n$/) });
  }
});

test.each([[[]], [["--help"]], [["train", "--help"]], [["--version"]]])("gatewise %j helps", async (args) => {
  const { code, stdout, stderr } = await gatewise(args, folder);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(args.includes("--version") ? /^\d+\.\d+\.\d+\n$/ : /train/);
  expect(stdout).not.toContain("\u001B");
});
