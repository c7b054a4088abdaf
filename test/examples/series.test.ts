// What the examples of series and images make of their data, and `npm run learning` as its users run it, on the one set that is in the
// repository.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { MissingData, findFile } from "../../examples/learning/folder.js";
import { randomFrom } from "../../examples/learning/random.js";
import { normal, stratified } from "../../examples/series/random.js";
import { type Series, patched, pick, varied } from "../../examples/series/series.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "gatewise-series-"));
afterAll(() => rmSync(folder, { recursive: true }));

function run(program: string, ...options: string[]) {
  const env = { ...process.env, GATEWISE_DATA: undefined };
  return spawnSync(process.execPath, ["--import", "tsx", program, ...options], { cwd: root, encoding: "utf8", env });
}

/** Two channels: the step, and a hundred times it. */
const ramp: Series = {
  x: Float32Array.from({ length: 2 * 5 * 2 }, (_, index) => (Math.floor(index / 2) % 5) * (index % 2 === 0 ? 1 : 100)),
  shape: [2, 5, 2],
  targets: ["a", "b"],
};

describe("patches", () => {
  test("are numbers in a row, with what does not fill one left out", () => {
    const { x, shape } = patched(ramp, { length: 2, stride: 3, differences: false });
    expect(shape).toEqual([2, 2, 4]);
    expect([...x.subarray(0, 8)]).toEqual([0, 0, 1, 100, 3, 300, 4, 400]);
    expect(patched(ramp, { length: 2, stride: 2, differences: false }).shape).toEqual([2, 2, 4]);
  });

  test("have differences to the next number behind them, which the last one has not", () => {
    const { x, shape } = patched(ramp, { length: 2, stride: 3, differences: true });
    expect(shape).toEqual([2, 2, 8]);
    expect([...x.subarray(0, 16)]).toEqual([0, 0, 1, 100, 1, 100, 1, 100, 3, 300, 4, 400, 1, 100, 0, 0]);
  });
});

describe("copies", () => {
  const waves = Float32Array.from({ length: 3 * 200 }, (_, index) => Math.sin((index % 200) / 20));
  const sine: Series = { x: waves, shape: [3, 200, 1], targets: ["a", "b", "c"] };
  const still = { copies: 3, jitter: 0, scale: 0, warp: 0, shift: 0 };
  const apart = (a: Float32Array, b: Float32Array) => Math.max(...a.map((value, index) => Math.abs(value - (b[index] ?? 0))));
  const copy = (all: Series, which: number) => all.x.subarray(which * 200, (which + 1) * 200);

  test("follow their series, which comes first and stays as it is", () => {
    const all = varied(sine, { ...still, jitter: 0.1 }, randomFrom(1));
    expect(all.shape).toEqual([9, 200, 1]);
    expect(all.targets).toEqual(["a", "a", "a", "b", "b", "b", "c", "c", "c"]);
    expect(apart(copy(all, 3), sine.x.subarray(200, 400))).toBe(0);
    // 200 numbers of the standard normal distribution lie between 1.5 and 5 at most but for one in ten million.
    const most = apart(copy(all, 4), sine.x.subarray(200, 400)) / 0.1;
    expect(most).toBeGreaterThan(1.5);
    expect(most).toBeLessThan(5);
  });

  test("are the series itself where nothing varies, but for the roundings of interpolation", () => {
    expect(apart(copy(varied(sine, still, randomFrom(1)), 1), sine.x.subarray(0, 200))).toBeLessThan(1e-6);
  });

  test("are scaled as a whole, and moved no further than they may be", () => {
    const scaled = varied(sine, { ...still, scale: 0.5 }, randomFrom(2));
    const factor = (scaled.x[200 + 30] ?? 0) / (sine.x[30] ?? 1);
    expect(factor).not.toBeCloseTo(1, 2);
    expect(apart(copy(scaled, 1), sine.x.map((value) => value * factor).subarray(0, 200))).toBeLessThan(1e-5);
    // A ramp tells where each number came from: within a part of 0.02, 4 of the 199 steps between the ends, and by the warp's waves
    // 1 + 1/2 + 1/3 as far again.
    const line: Series = { x: Float32Array.from({ length: 200 }, (_, index) => index), shape: [1, 200, 1], targets: ["a"] };
    for (const [change, most] of [[{ shift: 0.02 }, 0.02 * 199], [{ warp: 0.02 }, (0.02 * 199 * 11) / 6]] as const) {
      const moved = varied(line, { ...still, copies: 50, ...change }, randomFrom(3));
      const distances = Array.from({ length: 49 }, (_, index) => apart(copy(moved, index + 1), line.x));
      expect(Math.max(...distances)).toBeLessThanOrEqual(most + 1e-4);
      expect(Math.max(...distances)).toBeGreaterThan(most / 3);
    }
  });
});

test("picked series keep their classes", () => {
  expect(pick(ramp, [1, 1, 0])).toMatchObject({ shape: [3, 5, 2], targets: ["b", "b", "a"] });
});

test("folds have as many of each class as can be, and each series once", () => {
  const targets = [...Array<string>(12).fill("a"), ...Array<string>(24).fill("b")];
  const folds = stratified(targets, 4, randomFrom(1));
  expect(folds.flat().sort((a, b) => a - b)).toEqual(targets.map((_, index) => index));
  for (const fold of folds) expect(fold.filter((index) => targets[index] === "a")).toHaveLength(3);
});

test("normal numbers have mean 0 and deviation 1", () => {
  const random = randomFrom(1);
  const values = Array.from({ length: 10_000 }, () => normal(random));
  const mean = values.reduce((sum, value) => sum + value, 0) / 10_000;
  const square = values.reduce((sum, value) => sum + value ** 2, 0) / 10_000;
  // Four standard errors.
  expect(Math.abs(mean)).toBeLessThan(0.04);
  expect(Math.abs(square - 1)).toBeLessThan(4 * Math.sqrt(2 / 10_000));
});

test("files are found packed or not, in the folder or in its inner one, or their source is named", () => {
  writeFileSync(join(folder, "a.ts.gz"), "");
  expect(findFile(folder, "ucr", ["b.ts", "a.ts"], "")).toBe(join(folder, "a.ts.gz"));
  expect(() => findFile(folder, "ucr", ["c.ts"], "Ask the archive.")).toThrow(MissingData);
  expect(() => findFile(folder, "ucr", ["c.ts"], "Ask the archive.")).toThrow(/c\.ts .*\nAsk the archive\./);
});

describe("npm run learning", () => {
  const script = "scripts/learning/run.ts";

  test("writes what three seeds came to beside PyTorch's figures", () => {
    const json = join(folder, "learning.json");
    const { stderr, status } = run(script, "--sets", "japanesevowels", "--data", "examples/learning/data", "--threads", "1", "--json", json);
    expect(stderr).toBe("");
    expect(status).toBe(0);
    const { machine, rows } = JSON.parse(readFileSync(json, "utf8")) as { machine: { cores: number }; rows: { accuracy: number[] }[] };
    expect(machine.cores).toBeGreaterThanOrEqual(1);
    expect(rows).toMatchObject([{ dataset: "japanesevowels", recipe: "shared", pytorch: [0.968, 0.981] }]);
    expect(rows[0]?.accuracy).toHaveLength(3);
    // Within a point of the lowest of PyTorch's.
    for (const accuracy of rows[0]?.accuracy ?? []) expect(accuracy).toBeGreaterThan(0.958);
  });

  test.each([
    [["--data", "nowhere"], "www.timeseriesclassification.com"],
    [["--data", "docs", "--sets", "mnist-rows"], "yann.lecun.com/exdb/mnist"],
    [["--data", "docs", "--sets", "cifar-rows"], "www.cs.toronto.edu/~kriz/cifar.html"],
    [["--data", "docs", "--sets", "gunpoint"], "GunPoint in the .ts format"],
    [["--data", "docs", "--sets", "svhn"], "there is no svhn"],
  ])("%j ends with code 1 and says why", (options, reason) => {
    const { status, stderr } = run(script, ...options);
    expect(status).toBe(1);
    expect(stderr).toContain(reason);
    expect(stderr).not.toContain("    at ");
  });
});

describe("programs that read a folder", () => {
  /** An IDX file of bytes. */
  const idx = (sizes: readonly number[], values: readonly number[]) =>
    Buffer.from([0, 0, 8, sizes.length, ...sizes.flatMap((size) => [0, 0, size >> 8, size & 255]), ...values]);

  test("MNIST's learns which row is white", () => {
    for (const [name, count] of [["train", 120], ["t10k", 40]] as const) {
      const labels = Array.from({ length: count }, (_, index) => index % 10);
      const images = labels.flatMap((label) => Array.from({ length: 28 * 28 }, (_, pixel) => (Math.floor(pixel / 28) === 2 * label + 4 ? 255 : 0)));
      writeFileSync(join(folder, `${name}-images-idx3-ubyte`), idx([count, 28, 28], images));
      writeFileSync(join(folder, `${name}-labels-idx1-ubyte`), idx([count], labels));
    }
    const { status, stdout } = run("examples/images/mnist.ts", folder, "--threads", "1");
    expect(stdout).toMatch(/120 × 28 × 28 numbers to learn from, 40 sequences in the test part\nseed 1: accuracy \d/);
    expect(status).toBe(0);
  });

  test.each([
    ["examples/images/mnist.ts", ["docs"], 1, "yann.lecun.com/exdb/mnist"],
    ["examples/images/cifar.ts", ["docs"], 1, "www.cs.toronto.edu/~kriz/cifar.html"],
    ["examples/series/ucr.ts", ["gunpoint", "docs"], 1, "GunPoint in the .ts format"],
    ["examples/series/ucr.ts", ["gunpoint"], 2, "SET is one of gunpoint, italy, arrowhead, basicmotions, japanesevowels"],
    ["examples/images/mnist.ts", ["docs", "--colour"], 2, "--colour"],
    ["examples/images/mnist.ts", ["docs", "--seeds", "0"], 2, "FOLDER holds the data"],
  ])("%s %j says what is wrong", (program, options, code, reason) => {
    const { status, stdout, stderr } = run(program, ...options);
    expect(status).toBe(code);
    expect(stdout + stderr).toContain(reason);
    expect(stderr).not.toContain("    at ");
  });
});
