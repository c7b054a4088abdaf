// Runtimes without workers: WebAssembly trains on the calling thread, in slices between which the event loop has its turn.

import { readFile } from "node:fs/promises";

import { expect, test } from "vitest";

import { wasmSource } from "../../dist/backend/wasm.js";
import { ModelCore } from "../../dist/model/core.js";
import { Model } from "../../dist/model/model.js";
import { type Direction, definition, risingOrFalling, smallModel, stateOf } from "./support.js";

const wasmFile = new URL("../../bindings/wasm/pkg/gatewise_bg.wasm", import.meta.url);

test("trains to the same bits as a worker does, and timers fire meanwhile", async () => {
  const source = wasmSource({
    compile: async () => WebAssembly.compile(await readFile(wasmFile)),
    workerStarter: undefined,
  });
  const backend = await source.open();
  const core = new ModelCore(backend, "{}", backend.createModel(JSON.stringify(definition), "{}"));
  const model = new Model<Direction>(core, "wasm", "for this test");
  const inWorker = await smallModel("wasm");
  const data = risingOrFalling(64);
  const options = { epochs: 40, batchSize: 8 };

  let ticks = 0;
  let crossings = 0;
  const ticking = setInterval(() => (ticks += 1), 0);
  const history = await model.fit(data, { ...options, onProgress: () => void (crossings += 1) });
  clearInterval(ticking);
  expect(history.steps).toBe(320);
  // Sizes at most double: 1 + 2 + 4 + … ≥ 320 takes 9. Each waits for a turn of the event loop, in which timers are due
  // after a millisecond at the most.
  expect(crossings).toBeGreaterThanOrEqual(9);
  expect(ticks).toBeGreaterThan(0);

  expect((await inWorker.fit(data, options)).losses).toEqual(history.losses);
  expect((await stateOf(model)).equals(await stateOf(inWorker))).toBe(true);
  inWorker.dispose();
  model.dispose();
});
