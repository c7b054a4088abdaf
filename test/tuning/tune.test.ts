// The search as its users run it: workers, journal, failures, abort.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { createModel } from "gatewise";
import { type TuningProgress, tune } from "gatewise/tuning";
import { afterAll, describe, expect, test } from "vitest";

import { expectError } from "../facade/support.js";
import { BASE, comparable, problem } from "./support.js";

const folder = mkdtempSync(join(tmpdir(), "gatewise-tuning-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("a search", () => {
  test("comes to the same trials and winner with any number of workers, and the winner trains to what it was judged by", async () => {
    const [one, three] = await Promise.all([tune({ ...BASE, workers: 1 }), tune({ ...BASE, workers: 3 })]);
    expect(comparable(one)).toEqual(comparable(three));
    expect(one.stopped).toBe("finished");
    expect(one.rungs).toEqual([
      { trials: 9, epochs: 1 },
      { trials: 3, epochs: 3 },
      { trials: 1, epochs: 9 },
    ]);
    expect(one.trials.map(({ rungs }) => rungs.length)).toEqual([3, 2, 2, 1, 1, 1, 1, 1, 1]);

    const { best } = one;
    if (!best) return expect.fail("there is no winner");
    const model = await createModel(best.definition, { threads: 1 });
    const { epochs } = await model.fit(BASE.data, { ...best.options, validation: BASE.validation });
    expect(epochs).toMatchObject(best.rungs.at(-1)?.curves[0] ?? []);
    expect((await model.evaluate(BASE.validation)).loss).toBe(best.value);
    model.dispose();
  });

  test("lets the best of each rung go on", async () => {
    const { trials } = await tune(BASE);
    const first = (trial: (typeof trials)[number]) => trial.rungs[0]?.value ?? Number.NaN;
    const [on, out] = [trials.slice(0, 3), trials.slice(3)];
    expect(Math.max(...on.map(first))).toBeLessThan(Math.min(...out.map(first)));
    const values = out.map(({ value }) => value);
    expect(values).toEqual(values.toSorted((a, b) => Number(a) - Number(b)));
  });

  test("by accuracy takes the largest, at random gives all their epochs, over folds takes the mean", async () => {
    const n = BASE.data.shape[0];
    const samples = Array.from({ length: n }, (_, i) => i);
    const folds = [0, 1, 2].map((fold) => ({
      training: samples.filter((i) => i % 3 !== fold),
      validation: Uint32Array.from(samples.filter((i) => i % 3 === fold)),
    }));
    const { validation: _none, ...base } = BASE;
    const result = await tune({ ...base, folds, search: "random", objective: "accuracy", budget: { trials: 4, epochs: 3 } });
    expect(result.rungs).toEqual([{ trials: 4, epochs: 3 }]);
    const values = result.trials.map(({ value }) => Number(value));
    expect(values).toEqual(values.toSorted((a, b) => b - a));
    const [best] = result.trials;
    const curves = best?.rungs[0]?.curves ?? [];
    expect(curves.map(({ length }) => length)).toEqual([3, 3, 3]);
    const accuracies = curves.map((curve) => curve.at(-1)?.validation?.accuracy ?? Number.NaN);
    expect(best?.value).toBeCloseTo((accuracies.reduce((a, b) => a + b) ?? 0) / 3, 12);
  });

  test("tells how far it is", async () => {
    const seen: TuningProgress[] = [];
    await tune({ ...BASE, budget: { trials: 3, epochs: 6 }, workers: 2, onProgress: (progress) => void seen.push(progress) });
    const last = seen.at(-1);
    expect(last).toMatchObject({ rung: 2, rungs: 2, done: 1, total: 1, epochs: 12, totalEpochs: 12, trial: last?.best?.trial });
    expect(seen.map(({ epochs }) => epochs)).toEqual(seen.map(({ epochs }) => epochs).toSorted((a, b) => a - b));
  });
});

describe("a trial that fails", () => {
  test("is a row with its reason", async () => {
    const space = { ...BASE.space, learningRate: { choice: [0.01, 1e38] }, "definition.layers.0.residual": { choice: [false, true] } } as const;
    const result = await tune({ ...BASE, options: { batchSize: 16 }, space, budget: { trials: 12, epochs: 3 }, search: "random" });
    const failed = result.trials.filter(({ failure }) => failure);
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.length).toBeLessThan(12);
    expect(result.trials.slice(-failed.length)).toEqual(failed);
    const codes = new Set(failed.map(({ failure }) => failure?.code));
    expect(codes).toContain("not_finite");
    expect(codes).toContain("invalid_definition");
    for (const trial of failed) expect(trial).toMatchObject({ value: undefined, failure: { message: expect.stringMatching(/\w+ \w+/) } });
    expect(result.toTable().split("\n").at(-1)).toMatch(/failed.*(not_finite|invalid_definition): /);
    expect(result.best?.failure).toBeUndefined();
  });

  test("like all the others ends the search with the first one's reason", async () => {
    const space = { dropout: { choice: [0, 0.1] }, batchSze: { choice: [8] } } as const;
    const error = await expectError(() => tune({ ...BASE, space, budget: { trials: 2, epochs: 1 } }), "invalid_option", "options.batchSze");
    expect(error.message).toMatch(/every one of the 2 trials failed.*batchSze/);
  });

  test("may take its worker with it", async () => {
    // A worker that ends in the midst of its job: what a lack of memory does to it.
    const { Pool } = await import("../../dist/tuning/pool.js");
    const pool = new Pool(1, { data: { get x() { return undefined; }, shape: "none" } as never, validation: undefined, folds: undefined, backend: "native", threads: 1 });
    const ends: unknown[] = [];
    const job = { definition: BASE.definition, options: { epochs: 1 }, fold: 0 } as never;
    await pool.runAll([job, job], { onEpoch: () => {}, onEnd: (_index, end) => void ends.push(end) });
    await pool.close();
    expect(ends).toHaveLength(2);
    for (const end of ends) expect(end).toMatchObject({ kind: "failed" });
  });
});

describe("the journal", () => {
  test("a tuning that was killed goes on from it, to the same winner", async () => {
    const journal = join(folder, "killed.jsonl");
    const expected = comparable(await tune(BASE));
    const lines = () => readFileSync(journal, { encoding: "utf8", flag: "a+" }).split("\n").length - 1;
    // Again and again, each killed as soon as it has written something, until one comes to its end.
    const script = `
      import { tune } from "gatewise/tuning";
      import { BASE } from "./test/tuning/support.ts";
      await tune({ ...BASE, workers: 2, journal: ${JSON.stringify(journal)} });
      console.log("done");`;
    let kills = 0;
    const output: string[] = [];
    for (; output.length === 0; kills++) {
      const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], { cwd: fileURLToPath(new URL("../../", import.meta.url)) });
      child.stdout.on("data", (part) => output.push(String(part)));
      const before = lines();
      const ended = new Promise((resolve) => child.on("close", resolve));
      const watch = setInterval(() => lines() > before + kills && child.kill("SIGKILL"), 1);
      await ended;
      clearInterval(watch);
    }
    expect(kills).toBeGreaterThan(1);
    // What a kill may leave behind.
    writeFileSync(journal, '{"definition":{"inp', { flag: "a" });
    const seen: TuningProgress[] = [];
    const resumed = await tune({ ...BASE, journal, onProgress: (progress) => void seen.push(progress) });
    expect(comparable(resumed)).toEqual(expected);
    // Nothing was trained again.
    expect(seen.every(({ value }) => value !== undefined)).toBe(true);
    expect(readFileSync(journal, "utf8").split("\n")).toHaveLength(1 + 13 + 1);
  });

  test("what it knows serves a larger budget", async () => {
    const journal = join(folder, "larger.jsonl");
    const budget = (trials: number) => ({ trials, epochs: 2 });
    await tune({ ...BASE, journal, search: "random", budget: budget(3) });
    const seen: TuningProgress[] = [];
    const larger = await tune({ ...BASE, journal, search: "random", budget: budget(5), onProgress: (progress) => void seen.push(progress) });
    expect(seen.filter(({ value }) => value === undefined).map(({ trial }) => trial).toSorted()).toEqual([4, 4, 5, 5]);
    expect(comparable(larger)).toEqual(comparable(await tune({ ...BASE, search: "random", budget: budget(5) })));
  });

  test("is refused where it is of other data or none at all, and left as it is", async () => {
    const budget = { trials: 1, epochs: 1 };
    const journal = join(folder, "other.jsonl");
    await tune({ ...BASE, journal, budget });
    const before = readFileSync(journal, "utf8");
    const other = await expectError(() => tune({ ...BASE, journal, budget, data: problem(96, 3) }), "invalid_file", "journal");
    expect(other.message).toContain("other data");
    for (const text of ["my notes", "my notes\n", "{}\n"]) {
      const file = join(folder, "notes.txt");
      writeFileSync(file, text);
      await expectError(() => tune({ ...BASE, journal: file, budget }), "invalid_file", "journal");
      expect(readFileSync(file, "utf8")).toBe(text);
    }
    writeFileSync(journal, before.replace('{"definition"', '{"defin'));
    const damaged = await expectError(() => tune({ ...BASE, journal, budget }), "invalid_file", "journal");
    expect(damaged.message).toContain("line 2");
    await expectError(() => tune({ ...BASE, journal: join(folder, "no-such-folder/journal"), budget }), "file_access", "journal");
  });
});

describe("what ends it early", () => {
  test("an abort: it resolves with what is done", async () => {
    const controller = new AbortController();
    const long = { ...BASE, budget: { trials: 4, epochs: 100_000 }, search: "random" } as const;
    const result = await tune({ ...long, signal: controller.signal, onProgress: () => controller.abort() });
    expect(result).toMatchObject({ stopped: "aborted", trials: [], best: undefined });
    const early = await tune({ ...BASE, signal: AbortSignal.abort() });
    expect(early).toMatchObject({ stopped: "aborted", trials: [] });
  });

  test("a callback that throws", async () => {
    const fail = () => {
      throw new RangeError("enough");
    };
    const long = { ...BASE, budget: { trials: 4, epochs: 100_000 } };
    await expect(tune({ ...long, onProgress: fail })).rejects.toThrow("enough");
    await expect(tune({ ...long, onProgress: async () => fail() })).rejects.toThrow("enough");
  });
});

describe("bad input", () => {
  const tuneWith = (options: object) => () => tune({ ...BASE, ...options } as never);
  test.each([
    [{ space: {} }, "invalid_option", "space"],
    [{ space: { units: { integer: [16, 8] } } }, "invalid_option", "space.units.integer"],
    [{ space: { units: { integer: [16, "x"] } } }, "invalid_option", "space.units.integer[1]"],
    [{ space: { units: { integr: [1, 2] } } }, "invalid_option", "space.units"],
    [{ space: { units: { integer: [0, 8], scale: "log" } } }, "invalid_option", "space.units"],
    [{ space: { rate: { logUniform: [0, 1] } } }, "invalid_option", "space.rate.logUniform[0]"],
    [{ space: { cell: { choice: [] } } }, "invalid_option", "space.cell.choice"],
    [{ budget: { trials: 0, epochs: 1 } }, "invalid_option", "budget.trials"],
    [{ budget: { trials: 4 } }, "invalid_option", "budget.epochs"],
    [{ budget: { trials: 4, epochs: 1, reduce: 2 } }, "invalid_option", "budget.reduce"],
    [{ serch: "random" }, "invalid_option", "serch"],
    [{ search: "grid" }, "invalid_option", "search"],
    [{ objective: "accurcy" }, "invalid_option", "objective"],
    [{ objective: "mae" }, "invalid_option", "objective"],
    [{ validation: undefined }, "invalid_option", "validation"],
    [{ folds: [] }, "invalid_option", "validation"],
    [{ validation: undefined, folds: [{ training: [0, 1], validation: [1] }] }, "invalid_option", "folds[0].validation"],
    [{ validation: undefined, folds: [{ training: [0, 96], validation: [1] }] }, "invalid_option", "folds[0].training[1]"],
    [{ options: { optimizer: { kind: "adam", learningRate: () => 0.1 } } }, "invalid_option", "options.optimizer"],
    [{ data: { ...BASE.data, x: new Float32Array(3), shape: [1, 1, 3], lengths: [1], targets: ["up"] } }, "unknown_class", "targets[0]"],
    [{ validation: { x: new Float32Array(5), shape: [1, 2, 3], targets: ["rising"] } }, "shape_mismatch", "validation.shape"],
    [{ definition: { ...BASE.definition, layers: [{ cell: "lstm", units: -1 }] }, space: { dropout: { choice: [0] } } }, "invalid_definition", "definition.layers[0].units"],
  ])("%j", async (options, code, path) => {
    await expectError(tuneWith(options), code as never, path);
  });

  test("names what was meant", async () => {
    const error = await expectError(tuneWith({ objective: "accurcy" }), "invalid_option", "objective");
    expect(error.message).toContain('did you mean "accuracy"?');
    const field = await expectError(tuneWith({ serch: "random" }), "invalid_option", "serch");
    expect(field.message).toBe('serch: there is no such field, did you mean "search"?');
    // What the space may hold, not the fields by which its kinds differ.
    const unknown = await expectError(tuneWith({ space: { units: { integr: [1, 2] } } }), "invalid_option", "space.units");
    expect(unknown.message).toMatch(/^space\.units: give one of \{ integer/);
    const bound = await expectError(tuneWith({ space: { rate: { logUniform: [0, 1] } } }), "invalid_option", "space.rate.logUniform[0]");
    expect(bound.message).toBe("space.rate.logUniform[0] must be above 0: the scale is logarithmic");
  });
});

test("the picture has a panel for each parameter and the winner in it", async () => {
  const svg = await (await tune(BASE)).toSvg();
  for (const name of Object.keys(BASE.space)) expect(svg).toMatch(new RegExp(`>${name}( →)?<`));
  expect(svg.match(/#d55e00/g)?.length).toBeGreaterThanOrEqual(5 + 1);
  expect(svg).not.toContain("<script");
});
