// Runs with options of their own, the loop that is the caller's, what is shown of a run, and data that is read in chunks.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import {
  type DataSource,
  type FitOptions,
  type LabelledData,
  type ProgressOptions,
  type TrainingStep,
  createModel,
} from "gatewise";
import { describe, expect, test } from "vitest";

import { BACKENDS, type Direction, type Problem, definition, errorOf, expectError, risingOrFalling, smallModel, stateOf } from "./support.js";

const options = { epochs: 4, batchSize: 16, optimizer: { kind: "adam", learningRate: 0.01 } } as const;
const endless = { ...options, epochs: 1_000_000 };

/** Some samples of a problem. */
function part({ x, shape: [, steps, features], lengths, targets }: Problem, start: number, end: number): LabelledData<Direction> {
  return {
    x: x.slice(start * steps * features, end * steps * features),
    shape: [end - start, steps, features],
    lengths: lengths.slice(start, end),
    targets: targets.slice(start, end),
  };
}

/** A problem in chunks, and which of them were read. */
function source(problem: Problem, sizes: readonly number[]): DataSource<Direction> & { readonly reads: number[] } {
  const ends = sizes.map((_size, chunk) => sizes.slice(0, chunk + 1).reduce((sum, size) => sum + size, 0));
  const made = {
    sizes,
    reads: [] as number[],
    async read(chunk: number) {
      made.reads.push(chunk);
      await new Promise((resolve) => setTimeout(resolve, 1));
      const end = ends[chunk] ?? 0;
      return part(problem, end - (sizes[chunk] ?? 0), end);
    },
  };
  return made;
}

describe.each(BACKENDS)("training on %s", (backend) => {
  test("stops early with the weights of the best epoch, and says so", async () => {
    const data = risingOrFalling(60);
    // Labels of other sequences: what fits the data fits these worse and worse.
    const validation = { ...risingOrFalling(40, 12, 3), targets: risingOrFalling(40, 12, 4).targets };
    const steep = { ...options, epochs: 300, optimizer: { kind: "adam", learningRate: 0.05 } } as const;
    using model = await smallModel(backend);
    const history = await model.fit(data, { ...steep, validation, earlyStopping: { patience: 4 } });
    const best = history.bestEpoch ?? expect.fail("no epoch was best");
    expect(history.stopped).toBe("early");
    expect(history.epochs).toHaveLength(best + 4);
    using plain = await smallModel(backend);
    await plain.fit(data, { ...steep, epochs: best, validation });
    expect((await stateOf(model)).equals(await stateOf(plain))).toBe(true);
    const told = history.epochs[best - 1]?.validation?.report;
    expect((await model.evaluate(validation)).loss).toBeCloseTo(told?.loss ?? 0, 6);
    expect(told?.confusion.flat().reduce((sum, count) => sum + count, 0)).toBe(40);
    await expectError(() => model.fit(data, { earlyStopping: {} }), "invalid_option", "options.earlyStopping");
  });

  test("a loop of the caller's is fit, crossing by crossing", async () => {
    using fitted = await smallModel(backend);
    using looped = await smallModel(backend);
    const data = risingOrFalling(64);
    const expected = await fitted.fit(data, options);
    const seen: TrainingStep<Direction>[] = [];
    for await (const step of looped.training(data, options)) {
      seen.push(step);
      expect(step.loss).toBeGreaterThan(0);
    }
    expect(seen.flatMap(({ losses }) => losses)).toEqual(expected.losses);
    expect(seen.flatMap(({ epochs }) => epochs)).toEqual(expected.epochs);
    expect((await stateOf(looped)).equals(await stateOf(fitted))).toBe(true);
  });

  test("leaving the loop ends training with the weights so far, and the model trains on", async () => {
    using model = await smallModel(backend);
    let left: Buffer | undefined;
    for await (const { step } of model.training(risingOrFalling(64), endless)) {
      await expectError(() => model.fit(risingOrFalling(20)), "model_busy", "");
      left = await stateOf(model);
      if (step > 5) break;
    }
    expect(left && (await stateOf(model)).equals(left)).toBe(true);
    expect((await model.fit(risingOrFalling(20), options)).stopped).toBe("finished");
    // What is never begun holds nothing.
    model.training(risingOrFalling(64), endless);
    expect((await model.fit(risingOrFalling(20), options)).stopped).toBe("finished");
    const refused = model.training(risingOrFalling(20), { epochs: 0 });
    await expectError(() => refused.next(), "invalid_option", "options.epochs");
    expect((await model.fit(risingOrFalling(20), options)).stopped).toBe("finished");
  });

  test("a source of one chunk gives the bits of the data itself; many are all visited in each epoch", async () => {
    const data = risingOrFalling(90);
    const scaled = { ...definition, input: { features: 3, scaling: "standard" as const } };
    using whole = await createModel(scaled, { backend });
    using one = await createModel(scaled, { backend });
    const expected = await whole.fit(data, options);
    expect(await one.fit(source(data, [90]), options)).toEqual(expected);
    expect((await stateOf(one)).equals(await stateOf(whole))).toBe(true);

    using many = await createModel(scaled, { backend });
    const chunks = source(data, [20, 25, 45]);
    const history = await many.fit(chunks, { ...options, validation: data });
    // 2 + 2 + 3 batches an epoch.
    expect(history.steps).toBe(28);
    expect(history.epochs).toHaveLength(4);
    expect(chunks.reads.slice(0, 3)).toEqual([0, 1, 2]);
    // Each epoch reads all of them, but what is still there.
    for (const chunk of [0, 1, 2]) expect(chunks.reads.filter((read) => read === chunk).length).toBeGreaterThanOrEqual(3);
    const scale = (name: string) => [many, whole].map((model) => model.parameters()[name]?.data ?? expect.fail(name));
    const [found, same] = scale("input.mean");
    found?.forEach((mean, feature) => expect(mean).toBeCloseTo(same?.[feature] ?? Number.NaN, 5));
    using again = await createModel(scaled, { backend });
    expect(await again.fit(source(data, [20, 25, 45]), { ...options, validation: data })).toEqual(history);
    expect((await stateOf(again)).equals(await stateOf(many))).toBe(true);
  });

  test("a run over chunks that is stopped anywhere goes on to the same bits", async () => {
    const data = risingOrFalling(90);
    const sizes = [20, 25, 45];
    const dropping = { ...definition, layers: [{ cell: "lstm", units: 8, dropout: 0.3 }] } as const;
    using whole = await createModel(dropping, { backend });
    const expected = await whole.fit(source(data, sizes), options);
    const kept: Uint8Array[] = [];
    using first = await createModel(dropping, { backend });
    const checkpoint = { path: (bytes: Uint8Array) => void kept.push(bytes), every: { batches: 1 } };
    await first.fit(source(data, sizes), { ...options, checkpoint });
    for (const resume of kept.filter((_bytes, index) => index % 6 === 2)) {
      using second = await createModel(dropping, { backend });
      expect(await second.fit(source(data, sizes), { ...options, checkpoint: { ...checkpoint, resume } })).toEqual(expected);
      expect((await stateOf(second)).equals(await stateOf(whole))).toBe(true);
    }
    expect(kept.length).toBeGreaterThan(25);
  });

  test("what is wrong with a source is said, with the chunk", async () => {
    using model = await smallModel(backend);
    const data = risingOrFalling(40);
    const before = await stateOf(model);
    const whole = { sizes: [40], read: async () => part(data, 0, 40) };
    for (const [wrong, code, path] of [
      [{ ...whole, sizes: [] }, "empty_data", "data.sizes"],
      [{ ...whole, sizes: [1.5] }, "invalid_option", "data.sizes[0]"],
      [{ ...whole, sizes: "40" }, "invalid_option", "data.sizes"],
      [{ ...whole, sizes: [39] }, "shape_mismatch", "data.read(0)"],
      [{ ...whole, read: async () => ({ ...part(data, 0, 40), x: undefined }) }, "invalid_option", "data.read(0).x"],
      [{ ...whole, read: async () => ({ ...part(data, 0, 40), targets: new Uint8Array(40).fill(2) }) }, "unknown_class", "data.read(0).targets[0]"],
    ] as const) {
      const error = await errorOf(() => model.fit(wrong as DataSource<Direction>, options));
      expect([error.code, error.path]).toEqual([code, path]);
    }
    const mine = new Error("the disk is gone");
    const fails = { sizes: [20, 20], read: async (chunk: number) => (chunk > 0 ? Promise.reject(mine) : part(data, 0, 20)) };
    await expect(model.fit(fails, { ...options, shuffle: false })).rejects.toBe(mine);
    let reads = 0;
    const changes = { sizes: [20, 20], read: async () => ((reads += 1) > 3 ? part(data, 1, 21) : part(data, 0, 20)) };
    const changed = await errorOf(() => model.fit(changes, { ...options, epochs: 9 }));
    expect([changed.code, changed.path]).toEqual(["invalid_option", expect.stringMatching(/^data\.read\([01]\)$/)]);
    expect((await model.fit(data, options)).stopped).toBe("finished");
    expect((await stateOf(model)).equals(before)).toBe(false);
  });
});

describe("what is shown of a run", () => {
  async function shown(progress: (stream: { write(text: string): void }) => ProgressOptions, more: FitOptions<Direction> = {}): Promise<string> {
    using model = await smallModel("native");
    let text = "";
    await model.fit(risingOrFalling(40), { ...options, ...more, progress: progress({ write: (part) => void (text += part) }) });
    return text;
  }

  test("lines where there is no terminal: one for each epoch", async () => {
    const text = await shown((stream) => ({ stream }), { validation: risingOrFalling(20, 9, 5) });
    const lines = text.trimEnd().split("\n");
    expect(lines).toHaveLength(4);
    for (const [index, line] of lines.entries()) {
      expect(line).toMatch(new RegExp(`^epoch ${index + 1}/4  loss 0\\.\\d+  accuracy [01]\\.\\d{4}  validation loss 0\\.\\d+  accuracy`));
    }
  });

  test("a bar on a terminal", async () => {
    const terminal = { isTTY: true, columns: 200, cursorTo: () => true, clearLine: () => true, moveCursor: () => true };
    const text = await shown((stream) => ({ stream: { ...terminal, ...stream } }));
    expect(text).toMatch(/█+ 100%  epoch 4\/4  step 12\/12  loss 0\.\d+/);
  });

  test("nothing unless it is asked for, and what is no such option is refused", async () => {
    expect(await shown(() => false)).toBe("");
    for (const wrong of ["bars", 5, null, {}, { stream: {} }]) {
      await expectError(() => shown(() => wrong as ProgressOptions), "invalid_option", "options.progress");
    }
  });
});

test("the loop keeps a run as fit does, when it is left", async () => {
  const folder = await mkdtemp(join(tmpdir(), "gatewise-training-"));
  try {
    const path = join(folder, "run");
    const data = risingOrFalling(64);
    using whole = await smallModel("native");
    const expected = await whole.fit(data, options);
    using left = await smallModel("native");
    let seen = 0;
    for await (const { step } of left.training(data, { ...options, checkpoint: { path, every: { seconds: 1000 } } })) {
      seen = step;
      if (step >= 5) break;
    }
    using resumed = await smallModel("native");
    const first: number[] = [];
    const onProgress = ({ step, losses }: { step: number; losses: readonly number[] }) => void first.push(step - losses.length);
    expect(await resumed.fit(data, { ...options, checkpoint: { path, resume: true }, onProgress })).toEqual(expected);
    expect(first[0] ?? seen).toBe(seen);
  } finally {
    await rm(folder, { recursive: true });
  }
});
