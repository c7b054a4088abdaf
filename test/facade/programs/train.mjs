// Trains a small model with dropout in shuffled batches: `node train.mjs OUT [CHECKPOINT]`. Goes on from the checkpoint if it
// is there, and writes OUT.model and OUT.history in the end. Tells the step after each crossing.

import { writeFileSync } from "node:fs";

import { createModel } from "gatewise";

const [, , out, path] = process.argv;
const [n, steps, features] = [256, 24, 4];

const model = await createModel(
  {
    input: { features, scaling: "standard" },
    layers: [
      { cell: "lstm", units: 24, dropout: 0.2 },
      { cell: "lstm", units: 24, recurrentDropout: 0.2 },
    ],
    output: { classes: ["down", "up"] },
    seed: 11,
  },
  { backend: "native", threads: 1 },
);
const x = Float32Array.from({ length: n * steps * features }, (_, i) => Math.sin(i * i * 0.37) + (Math.floor(i / steps / features) % 2));
const targets = Uint8Array.from({ length: n }, (_, sample) => sample % 2);
/** @type {(n: number) => readonly [number, number, number]} */
const shape = (n) => [n, steps, features];
const data = { x, shape: shape(n), targets };
const history = await model.fit(data, {
  epochs: 70,
  batchSize: 32,
  optimizer: { kind: "adam", learningRate: { schedule: "one-cycle", peak: 4e-3 } },
  averaging: { decay: 0.99 },
  validation: { x: x.subarray(0, 64 * steps * features), shape: shape(64), targets: targets.subarray(0, 64) },
  checkpoint: path ? { path, every: { batches: 8 }, resume: true } : undefined,
  onProgress: ({ step }) => console.log(step),
});
writeFileSync(`${out}.model`, await model.save());
writeFileSync(`${out}.history`, JSON.stringify(history));
