// The example of a model from PyTorch, as its users run it: the same predictions, training that goes on, and two files that hold
// what came of it.

import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { readUcrTs } from "gatewise/data";
import { loadPretrained, optimizerFromPyTorch, readPyTorch } from "gatewise/formats";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { beforeAll, expect, test } from "vitest";

const root = new URL("../../", import.meta.url);
const output = (name: string) => new URL(`examples/pretrained/output/${name}`, root);
const labels = (predictions: readonly { readonly label: string }[]) => predictions.map(({ label }) => label);

let ended: SpawnSyncReturns<string>;
beforeAll(() => {
  ended = spawnSync(process.execPath, ["--import", "tsx", "examples/pretrained/pretrained.ts"], {
    cwd: fileURLToPath(root),
    encoding: "utf8",
  });
}, 60_000);

test("every prediction is PyTorch's", () => {
  const { accuracy } = JSON.parse(readFileSync(new URL("examples/pretrained/data/speakers.json", root), "utf8"));
  expect({ stderr: ended.stderr, status: ended.status }).toEqual({ stderr: "", status: 0 });
  const percent = `${(100 * accuracy).toFixed(2)} %`;
  expect(ended.stdout).toContain(`PyTorch:  ${percent} of 370 test samples\nGatewise: ${percent}, the same prediction for 370 of them\n`);
});

test("training goes on from Adam's state and does no worse; both files predict what the trained model does", async () => {
  const read = (part: string) => readUcrTs(new URL(`examples/learning/data/JapaneseVowels_${part}.ts.gz`, root));
  const { classes, x, shape, lengths } = await read("TEST");
  const [, before, after] = /^Gatewise: ([\d.]+) %.*^trained for 20 epochs more: ([\d.]+) %$/ms.exec(ended.stdout) ?? [];
  expect(Number(after)).toBeGreaterThanOrEqual(Number(before));

  using model = await loadPretrained<{ classes: string[] }>(output("speakers.pt"));
  const file = await readPyTorch(output("speakers.pt"));
  expect([...file.tensors("model").keys()].filter((name) => !name.startsWith("rnn.")).toSorted()).toEqual(["deviation", "head.bias", "head.weight", "mean", "norm.bias", "norm.weight"]);
  const trained = Object.keys(model.parameters()).filter((name) => !name.startsWith("input."));
  const { optimizerState } = await optimizerFromPyTorch(file.optimizer, trained);
  await file.close();
  // Three epochs in PyTorch and twenty here, of 270 samples in batches of 16.
  expect(optimizerState?.step).toBe((3 + 20) * Math.ceil(270 / 16));

  const predicted = await model.predict({ x, shape, lengths });
  const session = await InferenceSession.create(fileURLToPath(output("speakers.onnx")));
  const { probabilities } = await session.run({
    x: new Tensor("float32", x, shape),
    lengths: new Tensor("int64", BigInt64Array.from(lengths ?? [], BigInt), [shape[0]]),
  });
  const rows = probabilities?.data as Float32Array;
  const largest = Array.from({ length: shape[0] }, (_, row) => {
    const its = rows.subarray(row * classes.length, (row + 1) * classes.length);
    return classes[its.indexOf(Math.max(...its))];
  });
  expect(largest).toEqual(labels(predicted));
});
