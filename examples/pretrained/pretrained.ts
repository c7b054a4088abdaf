// A model that PyTorch trained runs here with the same predictions, trains on, and goes back.
//   npx tsx examples/pretrained/pretrained.ts [checkpoint.pt]

import { mkdir, readFile, writeFile } from "node:fs/promises";

import { readUcrTs } from "gatewise/data";
import { exportOnnx, exportPyTorch, loadPretrained, optimizerFromPyTorch, readPyTorch } from "gatewise/formats";

const here = (path: string) => new URL(path, import.meta.url);
const percent = (part: number) => `${(100 * part).toFixed(2)} %`;

const [training, test] = [
  await readUcrTs(here("../learning/data/JapaneseVowels_TRAIN.ts.gz")),
  await readUcrTs(here("../learning/data/JapaneseVowels_TEST.ts.gz")),
];
const { classes } = training;

// torch.save({ "model": model.state_dict(), "optimizer": optimizer.state_dict(), … }): train.py wrote it.
const checkpoint = await readPyTorch(process.argv[2] ?? here("data/speakers.pt"));

// Sizes are in the file. What the outputs mean, and that two buffers of the module are the input's scaling, is not.
const scaling = { mean: "input.mean", deviation: "input.deviation" };
const map = { ...scaling, rnn: "layers", norm: "output.norm", head: "output" };
const input = { scaling: "standard" } as const;
using model = await loadPretrained(checkpoint.tensors("model"), { map, input, output: { classes, at: "last" } });
console.log(model.summary());

// The same predictions as PyTorch's, sample by sample.
const pytorch = JSON.parse(await readFile(here("data/speakers.json"), "utf8")) as { readonly accuracy: number; readonly predicted: readonly string[] };
const predictions = await model.predict(test);
const same = predictions.filter(({ label }, sample) => label === pytorch.predicted[sample]).length;
const before = await model.evaluate(test);
console.log(`\nPyTorch:  ${percent(pytorch.accuracy)} of ${test.shape[0]} test samples`);
console.log(`Gatewise: ${percent(before.accuracy)}, the same prediction for ${same} of them`);

// Training goes on where Adam stopped: its options, its moments, its step.
const adam = await optimizerFromPyTorch(checkpoint.optimizer, Object.keys(model.parameters()));
await checkpoint.close();
const history = await model.fit(training, { ...adam, epochs: 20, batchSize: 16, clipNorm: 1, keepOptimizerState: true });
const after = await model.evaluate(test);
console.log(`trained for ${history.epochs.length} epochs more: ${percent(after.accuracy)}`);

// Back to PyTorch, the optimiser's state too, in a file that loadPretrained reads without a map; and to any ONNX runtime.
await mkdir(here("output"), { recursive: true });
const optimizer = { ...adam, optimizerState: history.optimizerState };
await writeFile(here("output/speakers.pt"), await exportPyTorch(model, { map, optimizer }));
await writeFile(here("output/speakers.onnx"), await exportOnnx(model));
console.log("wrote output/speakers.pt (python3 examples/pretrained/evaluate.py reads it) and output/speakers.onnx");
