// Random definitions with random weights: ONNX Runtime says of their exports what `run` says. The same ones each time, so that a
// failure is the change's own; GATEWISE_CASES asks for more of them, GATEWISE_SEED for others. `npm run verify` does both. What
// fails is shrunk.

import * as fc from "fast-check";
import { expect, test } from "vitest";

import { type NetworkCase, networkCases } from "../random-definition.js";
import { BOUND, measureExport } from "./measure.js";

const CASES = Number(process.env["GATEWISE_CASES"] ?? 150);
const SEED = Number(process.env["GATEWISE_SEED"] ?? 1);

/**
 * A layer that normalises its gates and its cell divides each by a deviation, at each step: of a handful of random units it may be
 * small, and what f32 has rounded, here as there, grows with it. About one in a thousand such models is beyond the usual bound.
 */
function boundOf({ definition }: NetworkCase): number {
  return definition.layers.some(({ layerNorm }) => layerNorm) ? 20 * BOUND : BOUND;
}

test(`${CASES} random definitions, GATEWISE_SEED=${SEED}`, { timeout: 60_000 + CASES * 1000 }, async () => {
  const property = fc.asyncProperty(networkCases(), async (network) => {
    const measured = await measureExport(network);
    const bound = boundOf(network);
    expect(measured.filter(({ error }) => !(error <= bound))).toEqual([]);
  });
  await fc.assert(property, { seed: SEED, numRuns: CASES });
});
