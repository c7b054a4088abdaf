// What is printed, and the options that say what is measured.

import { describe, expect, it } from "vitest";

import { WrongOption, isWanted, parseOptions } from "../../bench/options.js";
import type { Row } from "../../bench/rows.js";
import { forwardOperations, nameOf, shape, trainingOperations } from "../../bench/shapes.js";
import { Table, milliseconds, summary } from "../../bench/table.js";

const ROW: Row = {
  suite: "native",
  operation: "inference",
  shape: "64,28,28,128",
  threads: 1,
  backend: "native",
  isa: "avx512",
  ours_ms: 2.8,
  peer: "pytorch",
  peer_ms: 3.36,
  ratio: 1.2,
  ratio_low: 1.18,
  ratio_high: 1.21,
  percent_of_peak: 86.4,
  target: "≥ 1.15 or 85 % of peak",
  met: true,
};

describe("the table", () => {
  it("has a heading for each suite and operation, and a line for each row", () => {
    const table = new Table();
    const lines = [ROW, { ...ROW, threads: 2 }, { ...ROW, threads: 2 }].flatMap((row) => table.lines(row));
    expect(lines.filter((line) => line.startsWith("native"))).toEqual(["native · inference · native · 1 thread", "native · inference · native · 2 threads"]);
    const row = lines.find((line) => line.includes("64,28,28,128"));
    for (const cell of ["2.80 ms", "86.4 %", "pytorch", "3.36 ms", "1.20", "1.18 – 1.21", "≥ 1.15 or 85 % of peak", "yes"]) expect(row).toContain(cell);
  });

  it("says why a peer has no time, and what has failed", () => {
    const missing = { ...ROW, peer_ms: null, ratio: null, met: null, note: "missing: there is no python3 on the PATH" };
    expect(new Table().lines(missing).at(-1)?.trim()).toBe(missing.note);
    const failed = { ...missing, failure: "pytorch: loss differs by 1.0e-1, the bound is 5e-5" };
    expect(new Table().lines(failed).join("\n")).toContain("FAILED");
    expect(new Table().lines(failed).join("\n")).toContain(failed.failure);
  });

  it("ends with what was met and what was not", () => {
    const missed = { ...ROW, ratio: 1.02, percent_of_peak: 70, met: false };
    const lines = summary([ROW, missed, { ...ROW, met: null, failure: "differs\nat length" }]);
    expect(lines).toContain("targets: 1 met, 1 missed; rows that failed: 1");
    expect(lines.join("\n")).toContain("1.02, 70.0 % of peak, target ≥ 1.15 or 85 % of peak");
    expect(lines.join("\n")).not.toContain("at length");
  });

  it("shows three digits that count", () => {
    expect([0.00168, 0.2, 3.456, 45.67, 1234.5].map(milliseconds)).toEqual(["1.68 µs", "200 µs", "3.46 ms", "45.7 ms", "1235 ms"]);
  });
});

describe("shapes", () => {
  it("count the operations of the layers' products over the steps that count", () => {
    const plain = shape(64, 28, 28, 128);
    expect(forwardOperations(plain)).toBe(2 * 64 * 28 * 4 * 128 * (28 + 128));
    expect(forwardOperations(plain, 1000)).toBe(2 * 1000 * 4 * 128 * (28 + 128));
    const stacked = shape(32, 100, 64, 128, { layers: 2 });
    expect(forwardOperations(stacked)).toBe(2 * 3200 * 4 * 128 * (64 + 128 + 128 + 128));
    const both = shape(32, 100, 64, 128, { bidirectional: true });
    expect(forwardOperations(both)).toBe(2 * 2 * 3200 * 4 * 128 * (64 + 128));
    const bothTwice = shape(32, 100, 64, 128, { layers: 2, bidirectional: true });
    expect(forwardOperations(bothTwice)).toBe(2 * 2 * 3200 * 4 * 128 * (64 + 128 + 256 + 128));
  });

  it("count the statics beside a step and what is computed from each step's states, but no embedding", () => {
    const layer = (inputs: number) => 2 * 64 * 28 * 4 * 128 * (inputs + 128);
    const operations = (extras: Parameters<typeof shape>[4]) => forwardOperations(shape(64, 28, 28, 128, extras));
    expect(operations({ input: { tokens: 1000 } })).toBe(layer(28));
    expect(operations({ input: { statics: 8 } })).toBe(layer(36));
    expect(operations({ input: { statics: 8, staticsAs: "states" } })).toBe(layer(28));
    expect(operations({ output: { at: "mean", dropout: 0.5 } })).toBe(layer(28));
    expect(operations({ output: { at: "each" } })).toBe(layer(28) + 2 * 64 * 28 * 128 * 10);
    expect(operations({ output: { at: "each", classes: 64, tied: true } })).toBe(layer(28) + 2 * 64 * 28 * 128 * 64);
    expect(operations({ output: { at: "attention" }, bidirectional: true })).toBe(2 * layer(28) + 2 * 64 * 28 * 256 * 256);
  });

  it("count no gradient of the data, but that of an embedding", () => {
    // Forward, dW_ih and dW_hh, and dh of each layer; dx of the second alone.
    const stacked = shape(32, 100, 64, 128, { layers: 2 });
    const [first, second] = [64 + 128 + (64 + 128) + 128, 128 + 128 + (128 + 128) + (128 + 128)];
    expect(trainingOperations(stacked)).toBe(2 * 3200 * 4 * 128 * (first + second));
    const tokens = shape(64, 28, 28, 128, { input: { tokens: 1000, statics: 8 } });
    expect(trainingOperations(tokens)).toBe(2 * 64 * 28 * 4 * 128 * (3 * (28 + 8 + 128) - 8));
  });

  it("are named by their sizes and what is special", () => {
    expect(nameOf(shape(1, 2, 3, 4))).toBe("1,2,3,4");
    expect(nameOf(shape(1, 2, 3, 4, { layers: 2, ragged: true }))).toBe("1,2,3,4 two layers ragged");
    expect(nameOf(shape(1, 2, 3, 4, { input: { tokens: 5, sparse: true } }))).toBe("1,2,3,4 5 tokens sparse");
    const read = shape(1, 2, 3, 4, { input: { statics: 6, staticsAs: "states" }, output: { classes: 7, at: "each", dropout: 0.5 } });
    expect(nameOf(read)).toBe("1,2,3,4 6 statics as states 7 classes at each output dropout");
  });
});

describe("options", () => {
  it("have defaults, and names that are checked", () => {
    expect(parseOptions([])).toEqual({ json: undefined, quick: false, peers: "all", threads: undefined, only: undefined, writeDocs: false });
    expect(parseOptions(["--threads", "2", "--peers", "js", "--json", "out.json", "--quick"])).toMatchObject({ threads: 2, peers: "js", json: "out.json", quick: true });
    expect(parseOptions(["--help"])).toBeUndefined();
  });

  it.each([[["--peers", "some"]], [["--threads", "3"]], [["--unknown"]], [["something"]], [["--json"]]])("refuse %j with a sentence", (args) => {
    expect(() => parseOptions(args)).toThrow(WrongOption);
  });

  it("want a row by part of its suite, its shape or its peer", () => {
    expect(isWanted(undefined, ["native", "", null])).toBe(true);
    expect(isWanted("28,28", ["native", "64,28,28,128", null])).toBe(true);
    expect(isWanted("onnx", ["native", "64,28,28,128", "pytorch"])).toBe(false);
  });
});
