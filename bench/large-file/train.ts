// A program of its own, so that what it takes is its own: trains a model on the file that it is given, and prints what it took.

import { readFileSync } from "node:fs";

import { createModel } from "gatewise";
import { arrowSource } from "gatewise/data";

import { FEATURES } from "./generate.js";

export interface Trained {
  readonly samples: number;
  readonly chunks: number;
  readonly seconds: number;
  /** The loss of the first chunk before training, and of the last after it. */
  readonly firstLoss: number;
  readonly lastLoss: number;
  readonly idleBytes: number;
  readonly peakBytes: number;
}

/** The peak of resident memory: on Linux this process's own; `maxRSS` is also what its parent took before it started this one. */
function peak(): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}

const file = process.argv[2] ?? "";
const features = Array.from({ length: FEATURES }, (_, feature) => `sensor${feature}`);
const model = await createModel({ input: { features: FEATURES }, layers: [{ cell: "lstm", units: 16 }], output: { values: 1 }, seed: 1 });
const idleBytes = peak();
const started = performance.now();
const source = await arrowSource<{ values: 1 }>(file, { group: "run", time: "time", features, target: "wear" });
const chunks = source.sizes.length;
const samples = source.sizes.reduce((sum, size) => sum + size, 0);
console.error(`${samples} sequences in ${chunks} chunks, found in ${((performance.now() - started) / 1000).toFixed(1)} s`);

const firstLoss = (await model.evaluate(await source.read(0))).loss;
let reports = 0;
await model.fit(source, {
  epochs: 1,
  batchSize: 256,
  optimizer: { kind: "adam", learningRate: 2e-3 },
  onProgress() {
    if (reports++ % 400 === 0) console.error(`${((performance.now() - started) / 1000).toFixed(0)} s: ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB resident`);
  },
});
const lastLoss = (await model.evaluate(await source.read(chunks - 1))).loss;
await source.close();
const trained: Trained = { samples, chunks, seconds: (performance.now() - started) / 1000, firstLoss, lastLoss, idleBytes, peakBytes: peak() };
console.log(JSON.stringify(trained));
