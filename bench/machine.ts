// What the benchmark runs on, and what that machine can do at most.

import { readFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { join } from "node:path";

import { root } from "../scripts/setup/places.mjs";
import { coreWorker } from "./engines.js";
import type { Peers } from "./peers/peers.js";
import { shape } from "./shapes.js";
import { Worker } from "./workers/worker.js";

export interface Machine {
  /** The processor's name, as it calls itself. */
  readonly cpu: string;
  readonly cores: number;
  /** Bytes. */
  readonly memory: number;
  readonly platform: string;
  readonly node: string;
  readonly gatewise: string;
  /** The best instruction set of the machine that our kernels have. */
  readonly isa: string;
  /** Measured f32 multiply-adds of one core with that set, in GFLOP/s (a multiply-add counts two). */
  readonly peak_gflops: number;
  /** The same of two threads at once: of two cores, or of one that only looks like two. */
  readonly peak_gflops_2_threads: number;
  /** Name → version of every peer that took part, and of its interpreter. */
  readonly versions: Readonly<Record<string, string>>;
  /** ISO 8601, in UTC. */
  readonly date: string;
}

export async function describeMachine(peers: Peers): Promise<Machine> {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  const worker = new Worker("core", [coreWorker()]);
  try {
    const one = await peakOfThreads(worker, 1);
    const two = await peakOfThreads(worker, 2);
    return {
      cpu: cpus()[0]?.model.trim() ?? "unknown",
      cores: availableParallelism(),
      memory: totalmem(),
      platform: `${process.platform} ${process.arch}`,
      node: process.versions.node,
      gatewise: version,
      isa: one.isa,
      peak_gflops: one.gigaflops,
      peak_gflops_2_threads: two.gigaflops,
      versions: Object.fromEntries(Object.entries(peers).flatMap(([name, peer]) => (peer.available ? [[name, peer.version]] : []))),
      date: new Date().toISOString(),
    };
  } finally {
    worker.stop();
  }
}

/** GFLOP/s that this many threads can do at most. */
export function peakOf(machine: Machine, threads: number): number {
  return threads === 1 ? machine.peak_gflops : machine.peak_gflops_2_threads;
}

/** Measurements of the peak, of which the best counts; each takes some 30 ms. */
const MEASUREMENTS = 20;

const NO_DATA = { batches: 0, x: "", tokens: null, statics: null, targets: "", lengths: null };

async function peakOfThreads(worker: Worker, threads: number): Promise<{ isa: string; gigaflops: number }> {
  const nothing = { model: "", classes: 0, shape: shape(0, 0, 0, 0), data: NO_DATA };
  const { isa = "unknown" } = await worker.ask<"load">({ ask: "load", job: { ...nothing, operation: "peak", threads } });
  const { operations = 0 } = await worker.ask<"check">({ ask: "check", into: "" });
  const times = await worker.ask<"run">({ ask: "run", count: 1, times: MEASUREMENTS });
  return { isa, gigaflops: operations / (Math.min(...times) * 1e6) };
}
