// The comparisons as their users run them, in short forms: each a process of its own.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import type { ForecastComparison } from "gatewise/baselines";
import { afterAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "comparison-"));
afterAll(() => rmSync(folder, { recursive: true }));

function run(program: string, ...options: string[]) {
  const args = ["--import", "tsx", `examples/comparison/${program}.ts`, "--output", folder, ...options];
  return spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
}

test("nearest neighbours have the published accuracies on the set that is committed", () => {
  const { status, stdout } = run("ucr", "--neighbours");
  expect(stdout).toMatch(/JapaneseVowels +euclidean +0\.9216 +published 0\.922 +same/);
  expect(stdout).toMatch(/JapaneseVowels +dtw +0\.9486 +published 0\.949 +same/);
  expect(status).toBe(0);
});

test("air passengers: SARIMA's figure beside the LSTM's, as a table, as JSON and as a page", () => {
  const { status, stdout, stderr } = run("air-passengers", "--seeds", "1");
  expect(status, stderr).toBe(0);
  expect(stdout).toMatch(/SARIMA\(0,1,1\)\(0,1,1\)12 +2\.90 %/);
  expect(readdirSync(folder).toSorted()).toEqual(["air-passengers.html", "air-passengers.json"]);
  const { entrants } = JSON.parse(readFileSync(join(folder, "air-passengers.json"), "utf8")) as ForecastComparison;
  const [sarima, lstm] = ["SARIMA(0,1,1)(0,1,1)12", "LSTM"].map((wanted) => entrants.find(({ name }) => name === wanted));
  expect((100 * (sarima?.summary.mape?.mean ?? 0)).toFixed(3)).toBe("2.904");
  expect(lstm?.summary.mape?.mean).toBeGreaterThan(0);
});

test("a wrong option ends with a sentence", () => {
  const { status, stderr } = run("orders", "--sneeds", "3");
  expect(status).toBe(1);
  expect(stderr).toContain("--sneeds");
});
