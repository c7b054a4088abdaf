// Proof against PyTorch itself: modules of PyTorch's take our models' state dicts by `load_state_dict(strict=True)`, and predict within
// 1e-5 what our models do, for random definitions and ragged batches. Needs `python3` with PyTorch. `npm run verify` runs it.
//
//     node --import tsx scripts/interop/state-dicts.ts [RUNS] [SEED]

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import * as fc from "fast-check";
import { type PyTorchInput, encodePyTorch } from "gatewise/formats";

import { type NetworkCase, networkCases } from "../../test/formats/random-definition.js";
import { randomInputs, randomModel } from "../../test/formats/random-model.js";

const LOADER = fileURLToPath(new URL("load_state_dicts.py", import.meta.url));

/** Both are f32 results, of which `design.md` wants this. */
const BOUND = 1e-5;

/** The file of a case: definition, state dict, inputs, and what our model predicts. */
async function fileOf(network: NetworkCase): Promise<Uint8Array> {
  const { definition, lengths, steps } = network;
  using model = await randomModel(definition, network.seed);
  const inputs = randomInputs(network);
  const { x, tokens, statics } = inputs;
  const n = lengths.length;
  const { classes, labels, values, quantiles, steps: ahead, at } = model.definition.output as { classes?: []; labels?: []; values?: number; quantiles?: []; steps?: number; at?: string };
  const size = classes?.length ?? labels?.length ?? (values ?? 1) * (ahead ?? 1) * (quantiles?.length ?? 1);
  const rows = at === "each" ? [n, steps] : [n];
  const y = model.run(inputs, new Float32Array(rows.reduce((a, b) => a * b, size)));
  const arrays: Record<string, PyTorchInput> = {
    ...(x && { x: { shape: [n, steps, x.length / n / steps], data: x } }),
    // Padding holds a token that there is not: PyTorch looks it up all the same.
    ...(tokens && { tokens: { shape: [n, steps], data: BigInt64Array.from(tokens, (token) => (token === 0xffff_ffff ? 0n : BigInt(token))) } }),
    ...(statics && { statics: { shape: [n, statics.length / n], data: statics } }),
    lengths: { shape: [n], data: BigInt64Array.from(lengths, BigInt) },
    y: { shape: [...rows, size], data: y },
  };
  return encodePyTorch({ definition: JSON.stringify(model.definition), state: new Map(Object.entries(await model.stateDict())), arrays });
}

async function main(): Promise<void> {
  const [runs = 200, seed = Date.now() & 0x7fff_ffff] = process.argv.slice(2).map(Number);
  const cases = fc.sample(networkCases({ plain: true }), { numRuns: runs, seed });
  const folder = mkdtempSync(join(tmpdir(), "gatewise-state-dicts-"));
  try {
    for (const [index, network] of cases.entries()) writeFileSync(join(folder, `${index}.pt`), await fileOf(network));
    const { status, stdout, stderr, error } = spawnSync("python3", [LOADER, folder], { encoding: "utf8" });
    if (error || status !== 0) throw new Error(`seed ${seed}: PyTorch did not take a state dict: ${error?.message ?? stderr}`);
    const errors = JSON.parse(stdout) as Record<string, number>;
    const [worst, largest] = Object.entries(errors).reduce((worst, each) => (each[1] > worst[1] ? each : worst), ["", 0]);
    console.log(`${Object.keys(errors).length} modules of PyTorch's took our state dicts; the largest error of a prediction is ${largest.toExponential(1)}`);
    if (Object.keys(errors).length === cases.length && largest < BOUND) return;
    throw new Error(`seed ${seed}: predictions differ by ${largest}: ${JSON.stringify(cases[Number(worst)])}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
