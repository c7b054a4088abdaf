// Proof that the example's model comes back to PyTorch: evaluate.py predicts with it what Gatewise predicts. Needs a Python with
// PyTorch. `npm run verify` runs it.
//
//     node --import tsx scripts/interop/pretrained.ts

import { deepStrictEqual } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { readUcrTs } from "gatewise/data";
import { loadPretrained } from "gatewise/formats";

import { requirePyTorch } from "./python.mjs";

const example = new URL("../../examples/pretrained/", import.meta.url);
const cwd = fileURLToPath(example);

execFileSync(process.execPath, ["--import", "tsx", "pretrained.ts"], { cwd, stdio: ["ignore", "ignore", "inherit"] });
const test = await readUcrTs(new URL("../learning/data/JapaneseVowels_TEST.ts.gz", example));
using model = await loadPretrained<{ classes: readonly string[] }>(new URL("output/speakers.pt", example));
const here = (await model.predict(test)).map(({ label }) => label);
const there = JSON.parse(execFileSync(requirePyTorch(), ["evaluate.py", "output/speakers.pt"], { cwd, encoding: "utf8" })) as { readonly predicted: string[]; readonly accuracy: number };
deepStrictEqual(there.predicted, here);
console.log(`PyTorch predicts with what came back what Gatewise does, for ${here.length} of ${here.length} samples: ${(100 * there.accuracy).toFixed(2)} % are right`);
