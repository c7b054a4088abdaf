// A comparison from end to end with our own worker alone: its process, the protocol, the check and the rows.

import { describe, expect, it } from "vitest";

import { Comparison, type Contest } from "../../bench/comparison.js";
import type { Machine } from "../../bench/machine.js";
import { findPeers } from "../../bench/peers/install.js";
import type { Row } from "../../bench/rows.js";
import { shape } from "../../bench/shapes.js";
import type { Context } from "../../bench/suite.js";
import { Worker } from "../../bench/workers/worker.js";

const MACHINE: Machine = {
  cpu: "",
  cores: 1,
  memory: 0,
  platform: "",
  node: "",
  gatewise: "",
  isa: "",
  peak_gflops: 100,
  peak_gflops_2_threads: 200,
  versions: {},
  date: "",
};

async function rowsOf(...contests: readonly Pick<Contest, "operation" | "shape">[]): Promise<Row[]> {
  const context: Context = {
    machine: MACHINE,
    options: { json: undefined, quick: true, peers: "none", threads: undefined, only: undefined, writeDocs: false },
    peers: await findPeers({ peers: "none" }),
    log: () => {},
    wanted: () => true,
  };
  const comparison = new Comparison(context);
  const rows: Row[] = [];
  try {
    for (const contest of contests) {
      for await (const row of comparison.run({ suite: "test", threads: 1, backend: "native", peers: ["pytorch"], ...contest })) rows.push(row);
    }
  } finally {
    comparison.stop();
  }
  return rows;
}

describe("a comparison", () => {
  it("times ours, and says why a peer is missing", async () => {
    const ragged = shape(3, 12, 4, 8, { ragged: true });
    const rows = await rowsOf(
      { operation: "inference", shape: ragged },
      { operation: "training step", shape: ragged },
      { operation: "streaming step", shape: shape(1, 1, 4, 8) },
    );
    expect(rows.map(({ operation, peer }) => [operation, peer])).toEqual(
      ["inference", "training step", "streaming step"].flatMap((operation) => [[operation, "pytorch"], [operation, null]]),
    );
    for (const row of rows.filter(({ peer }) => peer === "pytorch")) {
      expect(row).toMatchObject({ note: "missing: left out by --peers none", peer_ms: null, ratio: null, met: null });
    }
    for (const row of rows.filter(({ peer }) => peer === null)) {
      expect(row.failure).toBeUndefined();
      expect(row.ours_ms).toBeGreaterThan(0);
      expect(row.ours_median_ms).toBeGreaterThanOrEqual(row.ours_ms ?? Infinity);
      expect(row.percent_of_peak).toBeGreaterThan(0);
    }
  });

  it("trains on tokens and statics, with an output at each step", async () => {
    const tied = shape(3, 12, 8, 8, { input: { tokens: 9, statics: 2 }, output: { at: "each", classes: 9, tied: true } });
    const numbers = shape(3, 12, 4, 8, { input: { statics: 2 } });
    const rows = await rowsOf({ operation: "training step", shape: tied }, { operation: "training step", shape: numbers });
    for (const row of rows) expect(row.failure).toBeUndefined();
    expect(rows.map(({ shape, ours_ms }) => [shape, ours_ms !== null])).toEqual([
      ["3,12,8,8 9 tokens 2 statics 9 classes at each tied", false],
      ["3,12,8,8 9 tokens 2 statics 9 classes at each tied", true],
      ["3,12,4,8 2 statics", false],
      ["3,12,4,8 2 statics", true],
    ]);
  });

  it("fails the row where a worker fails, with what the worker said", async () => {
    const [row] = await rowsOf({ operation: "forward and backward", shape: shape(2, 3, 4, 8) });
    expect(row?.failure).toContain('no operation "forward and backward"');
  });
});

describe("a worker that ends", () => {
  it("fails what is asked of it, with the last that it said", async () => {
    const worker = new Worker("mute", [process.execPath, "--eval", "console.error('no engine here'); process.exit(3)"]);
    const failure = /mute ended with exit code 3:\nno engine here/;
    await expect(worker.ask<"run">({ ask: "run", count: 1, times: 1 })).rejects.toThrow(failure);
    await expect(worker.ask<"run">({ ask: "run", count: 1, times: 1 })).rejects.toThrow(failure);
  });
});
