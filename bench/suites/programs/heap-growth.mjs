// A program: what calls of the package leave on JavaScript's heap. Prints bytes a call: allocated, and kept after a
// collection.
//   node --expose-gc --min-semi-space-size=MIB heap-growth.mjs stream.next|stream.run|model.run

import { createModel, defineModel } from "gatewise";

const CALLS = 10_000;

const [steps, features, units] = [1, 16, 64];
const definition = defineModel({
  input: { features },
  layers: [{ cell: "lstm", units }],
  output: { classes: ["no", "yes"] },
});
const model = await createModel(definition, { backend: "native", threads: 1 });
const stream = model.stream();
const x = new Float32Array(steps * features).fill(0.5);
const y = new Float32Array(2);

/** @type {Record<string, () => unknown>} */
const CALLED = {
  "stream.next": () => stream.next(x),
  "stream.run": () => stream.run(x, y),
  "model.run": () => model.run(x, y),
};
const call = CALLED[process.argv[2] ?? ""];
const { gc } = globalThis;
if (!call || !gc) throw new Error("usage: node --expose-gc heap-growth.mjs stream.next|stream.run|model.run");

// Until the functions are compiled: compilers use the heap as well.
for (let index = 0; index < 5 * CALLS; index++) call();
gc();
const before = process.memoryUsage();
for (let index = 0; index < CALLS; index++) call();
const after = process.memoryUsage();
gc();
const collected = process.memoryUsage();
console.log(
  JSON.stringify({
    allocated: (after.heapUsed - before.heapUsed) / CALLS,
    kept: (collected.heapUsed + collected.external - before.heapUsed - before.external) / CALLS,
  }),
);
