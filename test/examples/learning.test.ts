// The learning examples as their users run them, in short forms: each a process of its own. `npm run verify` runs the long ones.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";

type Row = Record<string, string | number | boolean | null>;

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "learning-"));
afterAll(() => rmSync(folder, { recursive: true }));

function run(program: string, ...options: string[]) {
  const args = ["--import", "tsx", `examples/learning/${program}.ts`, ...options];
  return spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
}

/** Runs a program on one thread, since other tests want the cores too; its results are those of any number of them. */
function rowsOf(program: string, ...options: string[]): { rows: Row[]; status: number | null; stdout: string } {
  const json = join(folder, `${program}.json`);
  const { status, stdout, stderr } = run(program, ...options, "--threads", "1", "--json", json);
  expect(stderr).not.toContain("Error");
  const { machine, rows } = JSON.parse(readFileSync(json, "utf8")) as { machine: { cpu: string; cores: number }; rows: Row[] };
  expect(machine.cores).toBeGreaterThanOrEqual(1);
  return { rows, status, stdout };
}

test("the adding problem of 50 steps is learned by each network", () => {
  const { rows, status } = rowsOf("adding", "--steps", "50", "--batches", "800", "--check");
  expect(rows.map(({ network }) => network)).toEqual(["lstm", "coupled", "gru"]);
  // The constant guess has 0.167.
  for (const { mse } of rows) expect(mse).toBeLessThan(0.01);
  expect(status).toBe(0);
});

test("--check fails what was not learned", () => {
  const { rows, status, stdout } = rowsOf("adding", "--steps", "50", "--batches", "5", "--networks", "gru", "--check");
  expect(rows).toMatchObject([{ network: "gru", batches: 5, learned: false }]);
  expect(stdout).toContain("1 of 1 rows were not learned.");
  expect(status).toBe(1);
});

test("a small LSTM begins to copy over ten blanks", () => {
  const { rows } = rowsOf("copy", "--delay", "10", "--batches", "800", "--units", "64");
  // A guess has a recall of 1 in 8 and the loss 10 ln 8 / 30.
  expect(rows).toMatchObject([{ "without memory": Math.log(8) / 3 }]);
  expect(rows[0]?.["recall"]).toBeGreaterThan(0.4);
  expect(rows[0]?.["loss"]).toBeLessThan(0.8 * (Math.log(8) / 3));
});

test("LSTM, GRU and RNN learn JapaneseVowels in 20 epochs", () => {
  const { rows, status } = rowsOf("vowels", "--epochs", "20", "--seeds", "2", "--networks", "lstm,gru,rnn", "--check");
  expect(rows.map(({ network }) => network)).toEqual(["lstm", "lstm", "gru", "gru", "rnn", "rnn"]);
  // The nearest neighbour by Euclidean distance has 0.922, the largest class 0.238.
  for (const { accuracy } of rows) expect(accuracy).toBeGreaterThan(0.922);
  expect(status).toBe(0);
});

test("the language model's first 20 losses are PyTorch's", () => {
  const { rows, status, stdout } = rowsOf("shakespeare", "--batches", "20", "--seeds", "1,2", "--check");
  expect(rows.map(({ seed }) => seed)).toEqual([1, 2]);
  // Both in float32: some 1e-7 by themselves, which twenty steps of Adam let grow a little.
  for (const row of rows) expect(row["first 20, apart by"]).toBeLessThan(1e-5);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^ROMEO:/m);
});

test("the study of initialisations knows the first gradients and when the loss was low", () => {
  const options = ["--data", "vowels", "--initialisations", "pytorch,gatewise", "--seeds", "1", "--epochs", "10"];
  const { rows, stdout } = rowsOf("initialisation", ...options);
  // Its digits are those of docs/initialisation.md, on every machine.
  expect(rows).toMatchObject([{ initialisation: "pytorch" }, { initialisation: "gatewise" }]);
  expect(Number(rows[0]?.["gradient"]).toPrecision(2)).toMatch(/^0\.2[89]$/);
  expect(Number(rows[1]?.["gradient"]).toPrecision(2)).toMatch(/^0\.(8[7-9]|9[0-5])$/);
  for (const { reached } of rows) expect(reached).toBeLessThanOrEqual(9);
  expect(stdout).toContain("| initialisation | gradient norm at the start | epochs until the loss is below 0.1 | test accuracy |");
});

describe("the command line", () => {
  test.each([
    ["adding", ["--backend", "gpu"], '--backend must be one of auto, native, wasm, not "gpu"'],
    ["adding", ["--networks", "lstm,cnn"], '--networks must be one of lstm, coupled, gru, not "cnn"'],
    ["adding", ["--steps", "0"], '--steps must be a whole number from 1 on, not "0"'],
    ["vowels", ["--threads", "two"], '--threads must be a whole number from 1 on, not "two"'],
    ["copy", ["--colour"], "--colour"],
  ])("%s %j ends with code 2 and says why", (program, options, reason) => {
    const { status, stderr } = run(program, ...options);
    expect(status).toBe(2);
    expect(stderr).toContain(reason);
    expect(stderr).not.toContain("    at ");
  });

  test.each([
    ["adding", ["--networks", "--steps", "--batches", "--seed"]],
    ["copy", ["--delay", "--batches", "--units", "--seed"]],
    ["vowels", ["--networks", "--epochs", "--seeds"]],
    ["shakespeare", ["--seeds", "--batches"]],
    ["initialisation", ["--data", "--initialisations", "--seeds", "--steps", "--batches", "--epochs"]],
  ])("%s --help lists its options", (program, options) => {
    const { status, stdout } = run(program, "--help");
    expect(status).toBe(0);
    for (const option of [...options, "--backend", "--threads", "--json", "--check"]) expect(stdout).toContain(option);
  });
});
