// Training goes on from a checkpoint of PyTorch's with PyTorch's losses. `npm run interop` takes the way back as well.

import { expect, test } from "vitest";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadPretrained, optimizerFromPyTorch, readPyTorch } from "gatewise/formats";

import { BACKENDS, sameBits } from "../../facade/support.js";
import { HINTS, expectedLosses, lossError, resume, tenSteps, writeCheckpoint } from "./training.js";

/** f32 against float64, relative to each loss. */
const BOUND = 1e-6;

test.each(BACKENDS)("a checkpoint with Adam's state gives PyTorch's next ten losses on %s", async (backend) => {
  using resumed = await resume(backend);
  const { losses } = await tenSteps(resumed);
  expect(expectedLosses).toHaveLength(10);
  expect(lossError(losses, expectedLosses)).toBeLessThanOrEqual(BOUND);
});

test("without the state, the losses are others", async () => {
  using resumed = await resume("native");
  const { losses } = await tenSteps({ ...resumed, optimizerState: undefined });
  expect(lossError(losses, expectedLosses)).toBeGreaterThan(1000 * BOUND);
});

test("weights and optimiser come back out of a checkpoint of ours with the same bits", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gatewise-checkpoint-"));
  try {
    using resumed = await resume("native");
    const { optimizerState } = await tenSteps(resumed);
    await writeCheckpoint(folder, resumed, optimizerState);
    const path = join(folder, "ours.pt");
    using back = await loadPretrained(path, HINTS);
    for (const [name, { data }] of Object.entries(resumed.model.parameters())) {
      expect(sameBits(back.parameters()[name]?.data ?? new Float32Array(0), data), name).toBe(true);
    }
    const file = await readPyTorch(path);
    expect(await optimizerFromPyTorch(file.optimizer, [...resumed.names.values()])).toEqual({ optimizer: resumed.optimizer, optimizerState });
    await file.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
