// A program: trains for some steps, or only gets ready to; prints the largest memory that its process ever had.
//   node training-memory.mjs idle|train STEPS BATCH TIME FEATURES UNITS

import { createModel, defineModel } from "gatewise";

import { peakMemory } from "./peak-memory.mjs";

const CLASSES = /** @type {const} */ (["no", "yes"]);

const [mode, ...numbers] = process.argv.slice(2);
const [steps = 0, batch = 0, time = 0, features = 0, units = 0] = numbers.map(Number);

// The idle process has the package, the addon and a model in it, too: one so small that it does not count.
const definition = defineModel({
  input: { features },
  layers: [{ cell: "lstm", units: mode === "train" ? units : 1 }],
  output: { classes: CLASSES },
});
const model = await createModel(definition, { backend: "native", threads: 1 });
if (mode === "train") {
  const x = Float32Array.from({ length: batch * time * features }, (_, index) => Math.sin(index));
  const targets = Array.from({ length: batch }, (_, sample) => CLASSES[sample % 2 === 0 ? 0 : 1]);
  await model.fit({ x, shape: [batch, time, features], targets }, { epochs: steps, batchSize: batch, clipNorm: 1 });
}
console.log(JSON.stringify({ bytes: peakMemory() }));
