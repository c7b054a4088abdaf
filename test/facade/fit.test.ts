// What `fit` does to a model and what it tells.

import { type EpochReport, type Model, type TrainingProgress, createModel, loadModel } from "gatewise";
import { describe, expect, test } from "vitest";

import {
  BACKENDS,
  type Direction,
  definition,
  errorOf,
  expectError,
  probabilitiesOf,
  risingOrFalling,
  sameBits,
  smallModel,
  stateOf,
} from "./support.js";

const options = { epochs: 4, batchSize: 16, optimizer: { kind: "adam", learningRate: 0.01 } } as const;
/** Far more than any test waits for. */
const endless = { ...options, epochs: 1_000_000 };

describe.each(BACKENDS)("fit on %s", (backend) => {
  test("learns a separable problem", async () => {
    using model = await smallModel(backend);
    const history = await model.fit(risingOrFalling(400), { ...options, epochs: 15, clipNorm: 1 });
    const report = await model.evaluate(risingOrFalling(200, 12, 99));
    expect(history.stopped).toBe("finished");
    expect(history.epochs.at(-1)?.loss).toBeLessThan((history.epochs[0]?.loss ?? 0) / 3);
    expect(report.accuracy).toBeGreaterThan(0.95);
  });

  test("tells every step's loss and every epoch, with validation where it was given", async () => {
    using model = await smallModel(backend);
    const progress: TrainingProgress[] = [];
    const epochs: EpochReport[] = [];
    const history = await model.fit(risingOrFalling(50), {
      ...options,
      validation: risingOrFalling(20, 9, 5),
      onProgress: (report) => void progress.push(report),
      onEpoch: (report) => void epochs.push(report),
    });
    // 50 samples in batches of 16: 4 steps an epoch.
    expect(history.steps).toBe(16);
    expect(history.losses).toHaveLength(16);
    expect(history.losses.every((loss) => loss > 0 && loss < 2)).toBe(true);
    expect(progress.flatMap(({ losses }) => losses)).toEqual(history.losses);
    expect(progress.at(-1)).toMatchObject({ step: 16, totalSteps: 16, epoch: 4, totalEpochs: 4, finished: true });
    expect(epochs).toEqual(history.epochs);
    expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4]);
    const last = await model.evaluate(risingOrFalling(20, 9, 5));
    expect(epochs.at(-1)?.validation?.accuracy).toBeCloseTo(last.accuracy, 6);
    expect(epochs.at(-1)?.validation?.loss).toBeCloseTo(last.loss, 5);
  });

  test("gives the same bits for the same seed and data, and others for another seed", async () => {
    const train = async () => {
      const model = await smallModel(backend);
      const { losses } = await model.fit(risingOrFalling(100), options);
      return { losses, state: await stateOf(model) };
    };
    const [first, second] = [await train(), await train()];
    expect(second.losses).toEqual(first.losses);
    expect(second.state.equals(first.state)).toBe(true);
    using other = await createModel({ ...definition, seed: 8 }, { backend });
    expect((await other.fit(risingOrFalling(100), options)).losses).not.toEqual(first.losses);
  });

  test("takes class names and indices alike", async () => {
    const data = risingOrFalling(40);
    using named = await smallModel(backend);
    using indexed = await smallModel(backend);
    await named.fit(data, options);
    const targets = Uint8Array.from(data.targets, (label) => (label === "rising" ? 1 : 0));
    await indexed.fit({ ...data, lengths: [...data.lengths], targets }, options);
    expect((await stateOf(indexed)).equals(await stateOf(named))).toBe(true);
  });

  test("leaves the caller's arrays as they are", async () => {
    using model = await smallModel(backend);
    const data = risingOrFalling(20);
    const before = risingOrFalling(20);
    await model.fit(data, { ...options, validation: data });
    expect(data).toEqual(before);
  });

  test("reads see the weights that were committed last, and callbacks come after the commit", async () => {
    using model = await smallModel(backend);
    const states: string[] = [(await stateOf(model)).toString("base64")];
    await model.fit(risingOrFalling(64), {
      ...options,
      onProgress: async () => void states.push((await stateOf(model)).toString("base64")),
    });
    expect(states.length).toBeGreaterThan(1);
    expect(new Set(states).size).toBe(states.length);
    expect((await stateOf(model)).toString("base64")).toBe(states.at(-1));
  });

  test("a long read keeps the weights that it began with", async () => {
    using model = await smallModel(backend);
    // Enough for many turns of the event loop.
    const many = risingOrFalling(20_000, 40);
    const stop = new AbortController();
    let commits = 0;
    let copy: Model<Direction> | undefined;
    let read: Promise<Float32Array> | undefined;
    await model.fit(risingOrFalling(64), {
      ...endless,
      signal: stop.signal,
      onProgress: async () => {
        commits += 1;
        if (commits === 1) {
          copy = await loadModel<Direction>(await model.save(), { backend });
          // Not waited for: it goes on while weights are committed.
          read = probabilitiesOf(model, many);
        }
        if (commits === 4) stop.abort();
      },
    });
    if (!copy || !read) return expect.fail("no progress was told");
    const expected = await probabilitiesOf(copy, many);
    expect(sameBits(await read, expected)).toBe(true);
    expect(sameBits(await probabilitiesOf(model, many), expected)).toBe(false);
    copy.dispose();
  });
});

test("native training gives the same bits on any number of threads", async () => {
  const layers = [{ cell: "lstm", units: 48 }] as const;
  const train = async (threads: number) => {
    using model = await createModel({ ...definition, layers }, { backend: "native", threads });
    expect(model.backend.threads).toBe(threads);
    await model.fit(risingOrFalling(300, 30), { ...options, epochs: 2, batchSize: 128 });
    return stateOf(model);
  };
  const alone = await train(1);
  for (const threads of [2, 3]) expect((await train(threads)).equals(alone)).toBe(true);
});

describe.each(BACKENDS)("ending fit early on %s", (backend) => {
  test("a signal that is aborted already: no step", async () => {
    using model = await smallModel(backend);
    const before = await stateOf(model);
    const history = await model.fit(risingOrFalling(20), { ...options, signal: AbortSignal.abort() });
    expect(history).toEqual({ stopped: "aborted", steps: 0, losses: [], epochs: [], bestEpoch: null });
    expect((await stateOf(model)).equals(before)).toBe(true);
  });

  test("a signal: a whole model with the steps so far, which trains on", async () => {
    using model = await smallModel(backend);
    const before = await stateOf(model);
    const stop = new AbortController();
    let seen = 0;
    const history = await model.fit(risingOrFalling(64), {
      ...endless,
      signal: stop.signal,
      onProgress: ({ step }) => {
        seen = step;
        if (step > 5) stop.abort();
      },
    });
    expect(history.stopped).toBe("aborted");
    // Nothing more was done after the crossing in which the abort came.
    expect(history.steps).toBe(seen);
    expect(history.losses).toHaveLength(seen);
    expect((await stateOf(model)).equals(before)).toBe(false);
    expect((await model.fit(risingOrFalling(64), options)).stopped).toBe("finished");
  });

  test("a second fit is refused and harms nothing", async () => {
    using model = await smallModel(backend);
    using alone = await smallModel(backend);
    const first = model.fit(risingOrFalling(64), options);
    await expectError(() => model.fit(risingOrFalling(64), options), "model_busy", "");
    await first;
    await alone.fit(risingOrFalling(64), options);
    expect((await stateOf(model)).equals(await stateOf(alone))).toBe(true);
  });

  test("two models train at once as each would alone", async () => {
    using one = await smallModel(backend);
    using two = await smallModel(backend);
    using alone = await smallModel(backend);
    await Promise.all([one.fit(risingOrFalling(64), options), two.fit(risingOrFalling(64), options)]);
    await alone.fit(risingOrFalling(64), options);
    expect((await stateOf(one)).equals(await stateOf(alone))).toBe(true);
    expect((await stateOf(two)).equals(await stateOf(alone))).toBe(true);
  });

  test.each(["onProgress", "onEpoch"] as const)("%s throws: fit rejects with that error, the model stays whole", async (name) => {
    using model = await smallModel(backend);
    const mine = new Error("from the callback");
    const callback = () => {
      throw mine;
    };
    await expect(model.fit(risingOrFalling(64), { ...endless, [name]: callback })).rejects.toBe(mine);
    await expect(model.fit(risingOrFalling(64), { ...endless, [name]: async () => callback() })).rejects.toBe(mine);
    expect((await model.evaluate(risingOrFalling(20))).samples).toBe(20);
    expect((await model.fit(risingOrFalling(64), options)).stopped).toBe("finished");
  });

  test("dispose ends it as aborted, and everything after it says so", async () => {
    const model = await smallModel(backend);
    const stream = model.stream();
    const history = await model.fit(risingOrFalling(64), { ...endless, onProgress: () => model.dispose() });
    expect(history.stopped).toBe("aborted");
    expect(history.steps).toBeGreaterThan(0);

    const data = risingOrFalling(4);
    const calls: Record<string, () => unknown> = {
      fit: () => model.fit(data),
      evaluate: () => model.evaluate(data),
      predict: () => model.predict(data),
      run: () => model.run(data.x, new Float32Array(8)),
      stream: () => model.stream(),
      parameters: () => model.parameters(),
      summary: () => model.summary(),
      save: () => model.save(),
      "stream.next": () => stream.next(new Float32Array(3)),
      "stream.reset": () => stream.reset(),
    };
    for (const [name, call] of Object.entries(calls)) {
      expect([name, (await errorOf(call)).code]).toEqual([name, "model_disposed"]);
    }
    stream.dispose();
    model.dispose();
  });

  test("dispose from outside, between crossings or within one", async () => {
    for (const delay of [0, 1, 60, 120]) {
      const model = await smallModel(backend);
      const fit = model.fit(risingOrFalling(64), endless);
      setTimeout(() => model.dispose(), delay);
      expect((await fit).stopped).toBe("aborted");
    }
  });
});
