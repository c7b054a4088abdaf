// What the benchmark's suites compute from their measurements.

import { execFileSync } from "node:child_process";

import { expect, test } from "vitest";

import { shape } from "../../bench/shapes.js";
import { inTurns, programPath, runProgram, timeProgram } from "../../bench/suites/fresh-process.js";
import { neededMemory } from "../../bench/suites/memory-needed.js";
import { comparison } from "../../bench/suites/statistics.js";

test("a ratio is the peer's best over ours, its spread that of the turns", () => {
  const { ratio, ratio_low, ratio_high, runs } = comparison([1, 2, 4], [4, 4, 4]);
  expect({ ratio, ratio_low, ratio_high, runs }).toEqual({ ratio: 4, ratio_low: 1.5, ratio_high: 3, runs: 3 });
});

test("what one LSTM layer has to hold, counted by hand", () => {
  // Two sequences of three steps, one feature, two units, two classes.
  // A step: 1 feature + (4 gates + cell + hidden) × 2 units = 13 numbers; 6 steps.
  // The layer: 8 × 1 + 8 × 2 + 8 + 8 = 40 numbers; the head: 2 × 2 + 2 = 6; each with a gradient and two moments.
  expect(neededMemory(shape(2, 3, 1, 2), 2)).toEqual({
    activations: 4 * 6 * 13,
    parameters: 4 * 4 * 46,
    data: 4 * 6,
    total: 4 * (6 * 13 + 4 * 46 + 6),
  });
});

test("runs take turns", async () => {
  const order: string[] = [];
  const run = (name: string) => async () => order.push(name);
  expect(await inTurns(2, { a: run("a"), b: run("b") })).toEqual({ a: [1, 3], b: [2, 4] });
  expect(order).toEqual(["a", "b", "a", "b"]);
});

test("a program's last line is its result; what it says as it fails is in the error", async () => {
  const script = (code: string) => [process.execPath, "--eval", code] as const;
  expect(await runProgram(script('console.log("loading"); console.log(JSON.stringify({ bytes: 1 }))'))).toEqual({ bytes: 1 });
  expect(await timeProgram(script("setTimeout(() => {}, 200)"))).toBeGreaterThan(200);
  await expect(runProgram(script('throw new Error("no model")'))).rejects.toThrow("no model");
  await expect(runProgram(["/no/such/program"])).rejects.toThrow("ENOENT");
});

test("a process's peak memory is its own, not that of the process that started it", () => {
  const module = JSON.stringify(programPath("peak-memory.mjs"));
  const child = `import { peakMemory } from ${module}; console.log(peakMemory());`;
  const parent = `
    import { execFileSync } from "node:child_process";
    import { peakMemory } from ${module};
    const large = Buffer.alloc(400 * 2 ** 20, 1);
    const child = Number(execFileSync(process.execPath, ["--input-type=module", "--eval", ${JSON.stringify(child)}]));
    console.log(JSON.stringify({ child, parent: peakMemory(), large: large.length }));`;
  const result = execFileSync(process.execPath, ["--input-type=module", "--eval", parent], { encoding: "utf8" });
  const { child: childPeak, parent: parentPeak, large } = JSON.parse(result) as Record<"child" | "parent" | "large", number>;
  expect(parentPeak).toBeGreaterThan(large);
  expect(childPeak).toBeLessThan(large);
});
