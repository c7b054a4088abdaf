// Defects of Gatewise itself: a trap in WebAssembly, a worker that dies. The call fails, the model goes on.

import { createRequire, syncBuiltinESMExports } from "node:module";
import type { Worker } from "node:worker_threads";

import { createModel, loadModel } from "gatewise";
import { definePipeline } from "gatewise/data";
import { createLayer } from "gatewise/layers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { type Direction, definition, expectError, risingOrFalling, smallModel, stateOf } from "./support.js";

const data = risingOrFalling(20);

describe("a trap in WebAssembly", () => {
  const OriginalInstance = WebAssembly.Instance;
  let instances: WebAssembly.Instance[];
  beforeEach(() => {
    instances = [];
    WebAssembly.Instance = new Proxy(OriginalInstance, {
      construct(target, [module, imports]: [WebAssembly.Module, WebAssembly.Imports]) {
        const instance = new target(module, imports);
        instances.push(instance);
        return instance;
      },
    });
  });
  afterEach(() => {
    WebAssembly.Instance = OriginalInstance;
  });

  /** Overwrites the whole memory of the instance that was made last: its next step goes astray and traps. */
  function corruptLast(): void {
    lastMemory().fill(0xff);
  }

  /** The same, but for the model's weights. */
  function corruptAround(weights: Uint8Array): void {
    const memory = lastMemory();
    const at = memory.indexOf(weights);
    expect(at).toBeGreaterThan(0);
    memory.fill(0xff, 0, at).fill(0xff, at + weights.length);
  }

  function lastMemory(): Buffer {
    const memory = instances.at(-1)?.exports["memory"];
    return memory instanceof WebAssembly.Memory ? Buffer.from(memory.buffer) : expect.fail("the instance exports no memory");
  }

  function weightsOf(model: { parameters(): Record<string, { readonly data: Float32Array }> }): Buffer {
    return Buffer.concat(Object.values(model.parameters()).map(({ data: { buffer, byteOffset, byteLength } }) => Buffer.from(buffer, byteOffset, byteLength)));
  }

  test("the call fails, and the model goes on with its last committed weights in a fresh instance", async () => {
    const model = await createModel(definition, { backend: "wasm" });
    const fitting = instances.length;
    // What the file holds of preprocessing must outlive the instance too.
    const preprocessing = definePipeline({ features: ["v"] }).fit([{ v: 1 }]).toJSON();
    await model.fit({ ...data, preprocessing }, { epochs: 2 });
    // Training has an instance of its own, in a worker.
    expect(instances).toHaveLength(fitting);
    const expected = await model.predict(data);
    const state = await stateOf(model);

    corruptLast();
    await expectError(() => model.predict(data), "internal_error", "");
    expect(await model.predict(data)).toEqual(expected);
    expect((await stateOf(model)).equals(state)).toBe(true);
    expect(instances).toHaveLength(fitting + 1);

    // Whichever call meets it. The fresh instance is made when one is needed.
    for (const call of [() => model.save(), () => model.evaluate(data), () => model.run(data.x, new Float32Array(40), data.lengths)]) {
      corruptLast();
      await expectError(call, "internal_error", "");
      expect((await stateOf(model)).equals(state)).toBe(true);
    }
    expect((await model.fit(data, { epochs: 1 })).stopped).toBe("finished");
    const loaded = await loadModel(await model.save(), { backend: "wasm" });
    expect(loaded.preprocessing).toEqual(preprocessing);
    loaded.dispose();
    model.dispose();
  });

  test("a model that was only read from has its weights in that memory alone, and goes on with them", async () => {
    const trained = await smallModel("wasm");
    await trained.fit(data, { epochs: 1 });
    using model = await loadModel<Direction>(await trained.save(), { backend: "wasm" });
    const expected = await model.predict(data);
    const weights = weightsOf(model);
    const state = await stateOf(model);
    for (const call of [() => model.predict(data), () => model.save(), () => model.stream()]) {
      corruptAround(weights);
      await expectError(call, "internal_error", "");
      expect(await model.predict(data)).toEqual(expected);
      expect((await stateOf(model)).equals(state)).toBe(true);
    }
    // Training takes a copy along that outlives any memory.
    await model.fit(data, { epochs: 1 });
    const after = await stateOf(model);
    corruptLast();
    await expectError(() => model.predict(data), "internal_error", "");
    expect((await stateOf(model)).equals(after)).toBe(true);
    trained.dispose();
  });

  test("where they are lost too, every call says so", async () => {
    using model = await smallModel("wasm");
    corruptLast();
    await expectError(() => model.predict(data), "internal_error", "");
    for (const call of [() => model.predict(data), () => model.save(), () => model.parameters(), () => model.fit(data)]) {
      const { message } = await expectError(call, "internal_error", "");
      expect(message).toContain("taken the model's weights along");
    }
  });

  test("it harms no other model", async () => {
    const spared = await smallModel("wasm");
    const before = await spared.predict(data);
    const model = await smallModel("wasm");
    corruptLast();
    await expectError(() => model.predict(data), "internal_error", "");
    expect(await spared.predict(data)).toEqual(before);
    spared.dispose();
    model.dispose();
  });

  test("a stream says that its state is lost, until reset", async () => {
    const model = await smallModel("wasm");
    const stream = model.stream();
    const step = new Float32Array([0.5, 0.25, 0.125]);
    const first = stream.next(step);
    corruptAround(weightsOf(model));
    await expectError(() => stream.next(step), "internal_error", "");
    const { message } = await expectError(() => stream.next(step), "internal_error", "");
    expect(message).toContain("reset()");
    stream.reset();
    expect(stream.next(step)).toEqual(first);
    stream.dispose();
    model.dispose();
  });

  test("a layer by itself goes on with its last weights, but without its last forward pass", async () => {
    using layer = await createLayer({ cell: "gru", units: 4, bidirectional: true }, { inputs: 3, backend: "wasm" });
    const parameters = { bias_ih_l0: new Float32Array(12).fill(0.25) };
    layer.setParameters(parameters);
    const { x, shape, lengths } = data;
    const expected = layer.forward({ x, shape, lengths });
    corruptLast();
    await expectError(() => layer.backward({ hidden: expected.hidden }), "internal_error", "");
    expect(layer.parameters()["bias_ih_l0"]?.data).toEqual(parameters.bias_ih_l0);
    await expectError(() => layer.backward({ hidden: expected.hidden }), "empty_data", "");
    expect(layer.forward({ x, shape, lengths })).toEqual(expected);
  });

  test("dispose works on a poisoned instance", async () => {
    const model = await smallModel("wasm");
    corruptLast();
    expect(() => model.dispose()).not.toThrow();
  });
});

describe("a training worker that dies", () => {
  const threads: { Worker: typeof Worker } = createRequire(import.meta.url)("node:worker_threads");
  const OriginalWorker = threads.Worker;
  let workers: Worker[];
  beforeEach(() => {
    workers = [];
    threads.Worker = new Proxy(OriginalWorker, {
      construct(target, [file, options]: ConstructorParameters<typeof Worker>) {
        const worker = new target(file, options);
        workers.push(worker);
        return worker;
      },
    });
    syncBuiltinESMExports();
  });
  afterEach(() => {
    threads.Worker = OriginalWorker;
    syncBuiltinESMExports();
  });

  test("fit fails, the model keeps the weights that were committed and trains on", async () => {
    using model = await smallModel("wasm");
    let committed: Buffer | undefined;
    const fit = model.fit(data, {
      epochs: 1_000_000,
      onProgress: async ({ step }) => {
        committed = await stateOf(model);
        if (step > 10) await workers[0]?.terminate();
      },
    });
    const error = await expectError(() => fit, "internal_error", "");
    expect(error.message).toContain("worker ended");
    expect(committed && (await stateOf(model)).equals(committed)).toBe(true);
    expect((await model.fit(data, { epochs: 1 })).stopped).toBe("finished");
    expect(workers).toHaveLength(2);
  });

  test("no worker outlives its fit, however that ended", async () => {
    const model = await loadModel<Direction>(await (await smallModel("wasm")).save(), { backend: "wasm" });
    const ended = () => Promise.all(workers.map((worker) => worker.threadId === -1 || new Promise((end) => worker.once("exit", end))));
    await model.fit(data, { epochs: 1 });
    await model.fit(data, { signal: AbortSignal.abort() });
    await expectError(() => model.fit(data, { epochs: 0 }), "invalid_option", "options.epochs");
    await model.fit(data, { epochs: 1_000_000, onProgress: () => model.dispose() });
    expect(workers).toHaveLength(4);
    await ended();
    expect(workers.map(({ threadId }) => threadId)).toEqual([-1, -1, -1, -1]);
  });
});
