// A program: from the import of Gatewise to its first prediction. Prints milliseconds.
//   node gatewise.mjs native|wasm STEPS FEATURES UNITS

const [backend = "", ...numbers] = process.argv.slice(2);
const [steps = 0, features = 0, units = 0] = numbers.map(Number);
const x = new Float32Array(steps * features);
const began = performance.now();

const { createModel, defineModel } = await import("gatewise");
const definition = defineModel({
  input: { features },
  layers: [{ cell: "lstm", units }],
  output: { classes: ["no", "yes"] },
});
const model = await createModel(definition, { backend: backend === "wasm" ? "wasm" : "native" });
model.run(x, new Float32Array(2));

console.log(JSON.stringify({ milliseconds: performance.now() - began }));
