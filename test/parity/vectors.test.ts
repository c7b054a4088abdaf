// `npm run parity` itself: every file of vectors on every engine, and errors as JSON.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createRequire } from "node:module";

import { expect, test } from "vitest";

import { type Row, described } from "../../scripts/parity/rows.js";
import { onnxNames } from "../vectors/onnx.js";
import { stackNames } from "../vectors/pytorch.js";

test("it measures every file on every backend and instruction set", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gatewise-parity-"));
  const json = join(folder, "rows.json");
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  const script = fileURLToPath(new URL("../../scripts/parity/run.ts", import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", tsx, script, "--json", json], { encoding: "utf8" });
  expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: "" });
  const { rows } = JSON.parse(readFileSync(json, "utf8")) as { rows: Row[] };
  rmSync(folder, { recursive: true });

  const vectors = [...stackNames().map((name) => `PyTorch ${name}`), ...onnxNames().map((name) => `ONNX ${name}`)].toSorted();
  const engineOf = ({ backend, isa }: Row) => `${backend} ${isa}`;
  const engines = new Set(rows.map(engineOf));
  expect([...engines]).toEqual(expect.arrayContaining(["native portable", "wasm simd128"]));
  for (const engine of engines) {
    expect(rows.filter((row) => engineOf(row) === engine).map(({ vectors }) => vectors).toSorted(), engine).toEqual(vectors);
  }
  for (const { forward, gradient, bound } of rows) {
    expect(forward).toBeLessThanOrEqual(bound);
    expect(gradient ?? 0).toBeLessThanOrEqual(bound);
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
});
