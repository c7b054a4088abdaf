// Runs that are kept: they go on to the same bits as if they had never stopped, and what is wrong with a file is said.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { type CheckpointOptions, type FitOptions, createModel, loadModel } from "gatewise";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { BACKENDS, type Direction, definition, errorOf, expectError, risingOrFalling, smallModel, stateOf } from "./support.js";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gatewise-checkpoints-"));
  path = join(folder, "run.safetensors");
});
afterEach(() => rm(folder, { recursive: true }));

const data = risingOrFalling(80);
const validation = risingOrFalling(30, 9, 5);
const options = {
  epochs: 6,
  batchSize: 16,
  optimizer: { kind: "adam", learningRate: 0.01 },
  validation,
} as const satisfies FitOptions<Direction>;
const dropping = { ...definition, layers: [{ cell: "lstm", units: 8, dropout: 0.3 }] } as const;

describe.each(BACKENDS)("checkpoints on %s", (backend) => {
  const model = () => createModel(dropping, { backend });

  test("an aborted run goes on to the same bits, losses and reports", async () => {
    using whole = await model();
    const expected = await whole.fit(data, options);
    for (const steps of [1, 7, 17]) {
      const stop = new AbortController();
      using first = await model();
      const onProgress = ({ step }: { step: number }) => step >= steps && stop.abort();
      // Far more than it takes: what is written is written because of the abort.
      const checkpoint: CheckpointOptions = { path, every: { seconds: 1000 }, resume: true };
      await rm(path, { force: true });
      const begun = await first.fit(data, { ...options, checkpoint, signal: stop.signal, onProgress: (p) => void onProgress(p) });
      expect(begun.stopped).toBe("aborted");
      expect(begun.steps).toBeGreaterThanOrEqual(steps);
      using second = await model();
      let firstLosses: number | undefined;
      const count = (progress: { step: number; losses: readonly number[] }) => progress.step - progress.losses.length;
      const history = await second.fit(data, { ...options, checkpoint, onProgress: (p) => void (firstLosses ??= count(p)) });
      expect(history).toEqual(expected);
      expect(firstLosses ?? begun.steps).toBe(begun.steps);
      expect((await stateOf(second)).equals(await stateOf(whole))).toBe(true);
    }
  });

  test("a run that is done stays done, with its history and weights; more epochs go on", async () => {
    using whole = await model();
    const expected = await whole.fit(data, { ...options, checkpoint: { path } });
    using again = await model();
    expect(await again.fit(data, { ...options, checkpoint: { path, resume: true } })).toEqual(expected);
    expect((await stateOf(again)).equals(await stateOf(whole))).toBe(true);
    using longer = await model();
    const history = await longer.fit(data, { ...options, epochs: 8, checkpoint: { path, resume: true } });
    using long = await model();
    expect(history).toEqual(await long.fit(data, { ...options, epochs: 8 }));
    const error = await expectError(
      () => longer.fit(data, { ...options, epochs: 2, checkpoint: { path, resume: true } }),
      "invalid_option",
      "options.epochs",
    );
    expect(error.message).toContain("8 epochs have ended");
  });

  test("bytes instead of files, and the best model as an ordinary one", async () => {
    using whole = await model();
    const expected = await whole.fit(data, { ...options, earlyStopping: { patience: 1000 } });
    const files: Uint8Array[] = [];
    let best: Uint8Array | undefined;
    using first = await model();
    const keep = { path: (bytes: Uint8Array) => void files.push(bytes), best: (bytes: Uint8Array) => void (best = bytes) };
    await first.fit(data, { ...options, earlyStopping: { patience: 1000 }, checkpoint: { ...keep, every: { batches: 3 } } });
    expect(files.length).toBeGreaterThan(10);
    for (const resume of files.filter((_file, index) => index % 4 === 0)) {
      using second = await model();
      const stopping = { earlyStopping: { patience: 1000 }, checkpoint: { ...keep, resume } };
      expect(await second.fit(data, { ...options, ...stopping })).toEqual(expected);
      expect((await stateOf(second)).equals(await stateOf(whole))).toBe(true);
    }
    // The weights that early stopping restores are the best ones.
    using loaded = await loadModel<Direction>(best ?? expect.fail("no best model was written"), { backend });
    expect((await stateOf(loaded)).equals(await stateOf(whole))).toBe(true);
    const report = expected.epochs[(expected.bestEpoch ?? 0) - 1]?.validation?.report;
    const evaluated = await loaded.evaluate(validation);
    // Validation's batches are others, so sums are rounded otherwise.
    expect(evaluated.loss).toBeCloseTo(report?.loss ?? 0, 6);
    expect({ ...evaluated, loss: 0 }).toEqual({ ...report, loss: 0 });
  });

  test("what does not fit or is damaged is refused, and the model stays as it was", async () => {
    using first = await model();
    await first.fit(data, { ...options, checkpoint: { path } });
    using second = await model();
    const before = await stateOf(second);
    const keep = { checkpoint: { path, resume: true } };
    const other = { ...data, x: data.x.map((value) => value * 1.5) };
    const refused = async (call: () => unknown, part: string) => {
      const error = await expectError(call, "invalid_option", "options.checkpoint");
      expect(error.message).toContain(part);
      expect((await stateOf(second)).equals(before)).toBe(true);
    };
    await refused(() => second.fit(other, { ...options, ...keep }), "training data");
    await refused(() => second.fit(data, { ...options, ...keep, validation: data }), "validation data");
    await refused(() => second.fit(data, { ...options, ...keep, batchSize: 8 }), "batchSize 16, this one 8");
    using wider = await createModel({ ...dropping, seed: 9 }, { backend });
    await refused(() => wider.fit(data, { ...options, ...keep }), "its seed is 7, this one's 9");

    const file = await readFile(path);
    for (const damage of [file.subarray(0, file.length - 9), Buffer.from("no checkpoint"), await first.save()]) {
      await writeFile(path, damage);
      await expect(second.fit(data, { ...options, ...keep })).rejects.toMatchObject({ code: "invalid_file" });
    }
    const flipped = Buffer.from(file);
    flipped.writeUInt8(flipped.readUInt8(file.length - 40) ^ 1, file.length - 40);
    await writeFile(path, flipped);
    const error = await errorOf(() => second.fit(data, { ...options, ...keep }));
    expect(error.message).toContain("damaged");
    expect((await stateOf(second)).equals(before)).toBe(true);
    expect((await second.fit(data, options)).stopped).toBe("finished");
  });
});

test("options that make no sense are refused before anything is done", async () => {
  using model = await smallModel("native");
  const bad: [unknown, string][] = [
    [true, ""],
    [{}, ".path"],
    [{ path: 5 }, ".path"],
    [{ path, every: 5 }, ".every"],
    [{ path, every: { epochs: 0 } }, ".every.epochs"],
    [{ path, every: { minutes: 1 } }, ".every.minutes"],
    [{ path, resume: "yes" }, ".resume"],
    [{ path: () => undefined, resume: true }, ".resume"],
    [{ path, best: "best" }, ".best"],
    [{ path, keep: 1 }, ".keep"],
  ];
  for (const [checkpoint, place] of bad) {
    const call = () => model.fit(data, { epochs: 1, checkpoint: checkpoint as CheckpointOptions });
    await expectError(call, "invalid_option", `options.checkpoint${place}`);
  }
  expect(await readdir(folder)).toEqual([]);
});

test("it is written at its intervals: epochs, batches, seconds", async () => {
  using model = await smallModel("native");
  const counts: number[] = [];
  for (const every of [{ epochs: 2 }, { batches: 7 }, { seconds: 1000 }, { seconds: 1e-9 }, undefined]) {
    let count = 0;
    const checkpoint = { path: () => void (count += 1), every };
    await model.fit(data, { ...options, epochs: 4, checkpoint: { ...checkpoint, every: { batches: 1, ...every } } });
    counts.push(count);
    count = 0;
    await model.fit(data, { ...options, epochs: 4, checkpoint });
    counts.push(count);
  }
  // 4 epochs of 5 training batches and 2 of validation: 28 crossings where each batch is one.
  expect(counts.filter((_count, index) => index % 2 === 0)).toEqual([28, 4, 28, 28, 28]);
  const [, epochs, , batches, , never, , always, , usual] = counts;
  expect(batches).toBe(4);
  expect(never).toBe(1);
  for (const count of [epochs, always, usual]) expect(count).toBeGreaterThanOrEqual(1);
});

describe("a disk that fails", () => {
  const files: Record<string, (...values: never[]) => unknown> = createRequire(import.meta.url)("node:fs/promises");
  const open = files["open"];
  afterEach(() => {
    if (open) files["open"] = open;
    syncBuiltinESMExports();
  });

  test("full: fit says so, and the last good checkpoint stays, with nothing beside it", async () => {
    using model = await smallModel("native");
    let written = 0;
    files["open"] = async (...values: never[]) => {
      const file = (await open?.(...values)) as { writeFile(bytes: Uint8Array): Promise<void> };
      const write = file.writeFile.bind(file);
      file.writeFile = async (bytes) => {
        written += 1;
        if (written < 3) return write(bytes);
        await write(bytes.subarray(0, 100));
        throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
      };
      return file;
    };
    syncBuiltinESMExports();
    let good: Buffer | undefined;
    const onProgress = async () => void (good = await readFile(path).catch(() => good));
    const fit = () => model.fit(data, { ...options, checkpoint: { path, every: { batches: 4 } }, onProgress });
    const error = await expectError(fit, "file_access", "options.checkpoint.path");
    expect(error.message).toContain("no space left");
    expect(error.message).toContain(path);
    expect(good && good.equals(await readFile(path))).toBe(true);
    expect(await readdir(folder)).toEqual(["run.safetensors"]);
    expect((await model.fit(data, { ...options, epochs: 1 })).stopped).toBe("finished");
  });

  test("a folder that is not there", async () => {
    using model = await smallModel("native");
    const missing = join(folder, "missing", "run.safetensors");
    await expectError(() => model.fit(data, { ...options, checkpoint: { path: missing } }), "file_access", "options.checkpoint.path");
    await writeFile(join(folder, "file"), "");
    const beneath = { path: join(folder, "file", "run"), resume: true };
    await expectError(() => model.fit(data, { ...options, checkpoint: beneath }), "file_access", "options.checkpoint.resume");
  });
});

test("a loss that is not finite names the last good checkpoint, which is whole", async () => {
  using model = await smallModel("native");
  const hot = (from: number) => ({ kind: "adam", learningRate: ({ step }: { step: number }) => (step < from ? 0.01 : 3e38) }) as const;
  const checkpoint = { path, every: { batches: 3 } };
  const first = await expectError(() => model.fit(data, { ...options, optimizer: hot(0), checkpoint }), "not_finite", "loss");
  expect(first.message).toContain("No checkpoint was written before.");
  using begun = await smallModel("native");
  const { message } = await expectError(() => begun.fit(data, { ...options, optimizer: hot(20), checkpoint }), "not_finite", "loss");
  expect(message).toMatch(/in epoch 5, at step 22; the first numbers that are not finite are the output\. .*learning rate/);
  expect(message).toContain(`The last good checkpoint is ${path}.`);
  // It is whole: with the same options, it goes on to the same end.
  using again = await smallModel("native");
  const resumed = { ...options, optimizer: hot(20), checkpoint: { ...checkpoint, resume: true } };
  expect((await expectError(() => again.fit(data, resumed), "not_finite", "loss")).message).toContain("in epoch 5, at step 22;");
});

test("killed twenty times at random moments, a run still ends in the same weights", async () => {
  const script = fileURLToPath(new URL("./programs/train.mjs", import.meta.url));
  // Killed after so many crossings and, as a crossing takes some milliseconds, a part of one.
  const run = (out: string, checkpoint: string, crossings = Infinity) =>
    new Promise<{ signal: string | null; output: string }>((resolve) => {
      const child = spawn(process.execPath, [script, out, checkpoint], { stdio: ["ignore", "pipe", "inherit"] });
      let output = "";
      child.stdout.on("data", (part: Buffer) => {
        output += part;
        if (output.split("\n").length > crossings) setTimeout(() => child.kill("SIGKILL"), Math.random() * 15);
      });
      child.on("close", (_code, signal) => resolve({ signal, output }));
    });
  const whole = await run(join(folder, "whole"), "");
  expect(whole.signal).toBeNull();
  let kills = 0;
  const begun: number[] = [];
  for (; kills < 20; kills++) {
    const { signal, output } = await run(join(folder, "killed"), path, 1 + Math.floor(Math.random() * 6));
    begun.push(Number(/^\d+/.exec(output)?.[0]));
    if (signal === null) break;
  }
  // Beginnings never fall back, and most are further on.
  expect(begun).toEqual(begun.toSorted((a, b) => a - b));
  expect(kills).toBe(20);
  expect((await run(join(folder, "killed"), path)).signal).toBeNull();
  expect(new Set(begun).size).toBeGreaterThan(5);
  for (const file of [".model", ".history"]) {
    const [expected, found] = [await readFile(join(folder, `whole${file}`)), await readFile(join(folder, `killed${file}`))];
    expect(found.equals(expected)).toBe(true);
  }
});
