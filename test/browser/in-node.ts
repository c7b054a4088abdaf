// A program, not a test: the training module of the example at the given path, run in Node on WebAssembly. Prints what the
// page shows of it.
//   node --import tsx in-node.ts /path/to/the/project

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const project = process.argv[2] ?? "";
const module = pathToFileURL(join(project, "training.ts")).href;
const { newModel, readDays, train } = (await import(module)) as typeof import("../../examples/browser/training.js");
const days = (name: string) => readDays(readFileSync(join(project, `public/data/${name}.csv`), "utf8"));

const model = await newModel({ backend: "wasm" });
const { losses, epochs } = await train(model, days("train"));
const { loss, accuracy } = await model.evaluate(days("test"));
console.log(JSON.stringify({ backend: model.backend.name, losses, loss: epochs.at(-1)?.loss, testLoss: loss, testAccuracy: accuracy }));
