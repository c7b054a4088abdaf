// A program: trains for some steps, or only gets ready to; prints the largest memory that its process ever had.
//   node training-memory.mjs idle|train STEPS BATCH TIME FEATURES UNITS CLASSES

import { createModel, defineModel } from "gatewise";

import { peakMemory } from "./peak-memory.mjs";

const [mode, ...numbers] = process.argv.slice(2);
const [steps = 0, batch = 0, time = 0, features = 0, units = 0, count = 0] = numbers.map(Number);
const classes = Array.from({ length: count }, (_, index) => `class ${index}`);

// The idle process has the package, the addon and a model in it, too: one so small that it does not count.
const definition = defineModel({
  input: { features },
  layers: [{ cell: "lstm", units: mode === "train" ? units : 1 }],
  output: { classes },
});
const model = await createModel(definition, { backend: "native", threads: 1 });
if (mode === "train") {
  // One row again and again: half a million sines would leave as many dead numbers on the heap, which are nobody's training.
  const x = new Float32Array(batch * time * features);
  x.set(Float32Array.from({ length: features }, (_, index) => Math.sin(index)));
  for (let filled = features; filled < x.length; filled *= 2) x.copyWithin(filled, 0, filled);
  const targets = Array.from({ length: batch }, (_, sample) => classes[sample % count] ?? "");
  await model.fit({ x, shape: [batch, time, features], targets }, { epochs: steps, batchSize: batch, clipNorm: 1 });
}
console.log(JSON.stringify({ bytes: peakMemory() }));
