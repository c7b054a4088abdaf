// `npm run parity` itself: every file of vectors on every engine, and errors as JSON.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createRequire } from "node:module";

import { expect, test } from "vitest";

import { type Row, described, together } from "../../scripts/parity/rows.js";
import { onnxNames } from "../vectors/onnx.js";
import { stackFiles } from "../vectors/pytorch.js";

test("it measures every file on every backend and instruction set", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gatewise-parity-"));
  const json = join(folder, "rows.json");
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  const script = fileURLToPath(new URL("../../scripts/parity/run.ts", import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", tsx, script, "--json", json], { encoding: "utf8" });
  expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: "" });
  const { rows } = JSON.parse(readFileSync(json, "utf8")) as { rows: Row[] };
  rmSync(folder, { recursive: true });

  const files = [...stackFiles().map((name) => `PyTorch ${name}`), ...onnxNames().map((name) => `ONNX ${name}`)].toSorted();
  const engineOf = ({ backend, isa }: Row) => `${backend} ${isa}`;
  const engines = new Set(rows.map(engineOf));
  expect([...engines]).toEqual(expect.arrayContaining(["native portable", "wasm simd128"]));
  for (const engine of engines) {
    const of = rows.filter((row) => engineOf(row) === engine);
    expect([...new Set(of.map(({ vectors }) => vectors.replace(/,.*/, "")))].toSorted(), engine).toEqual(files);
    // Every combination is in some row: 96 of LSTMs, 48 of GRUs, 96 of RNNs.
    const matrix = of.filter(({ vectors }) => vectors.includes("matrix")).map(({ vectors }) => Number(/(\d+) cases/.exec(vectors)?.[1]));
    expect(matrix.reduce((sum, cases) => sum + cases, 0)).toBe(240);
  }
  for (const { forward, gradient, bound } of rows) {
    expect(forward).toBeLessThanOrEqual(bound.forward);
    expect(gradient ?? 0).toBeLessThanOrEqual(bound.gradient);
  }
  expect(stdout).toContain(`${rows.length} rows, 0 beyond their bound`);
});

test("a row's names follow from the definitions", () => {
  const lstm = { cell: "lstm", units: 9 } as const;
  expect(described([lstm, { ...lstm, units: 5 }])).toEqual({ layer: "lstm 9-5", option: "plain" });
  expect(described([{ ...lstm, bidirectional: true, cellClip: 3, coupledGates: true, bias: false }])).toEqual({
    layer: "lstm 9 bidirectional",
    option: "no bias, cell clip, coupled gates",
  });
  expect(described([{ cell: "rnn", units: 3, activation: "relu" }])).toEqual({ layer: "rnn 3", option: "activation relu" });
  expect(described([{ ...lstm, zoneout: { cell: 0.5 } }], { trains: true }).option).toBe("zoneout of cell, in training");
  expect(described([{ ...lstm, bias: false }], { file: "matrix-lstm" }).option).toBe("plain");
});

test("cases of the same layers and options are one row, with the largest errors", () => {
  const row: Row = { layer: "gru 3", option: "plain", vectors: "PyTorch m", backend: "b", isa: "i", forward: 1, gradient: 4, bound: { forward: 9, gradient: 9 } };
  expect(together([row, { ...row, layer: "gru 4" }, { ...row, forward: 3, gradient: 2 }])).toEqual([
    { ...row, vectors: "PyTorch m, 2 cases", forward: 3, gradient: 4 },
    { ...row, layer: "gru 4" },
  ]);
});
