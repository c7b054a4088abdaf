// A worker as one side of an interleaved measurement.

import { setTimeout as sleep } from "node:timers/promises";

import type { Side } from "../interleave.js";
import type { Worker } from "./worker.js";

/** Milliseconds between two looks at whether a worker is at rest, the work in them that is none, and the longest wait. */
const [GLANCE, STILL, PATIENCE] = [5, 0.5, 500];

/** What a pause has to be where the system does not tell: PyTorch's and ONNX Runtime's threads spin for less. */
const PAUSE = 100;

/** Its turn ends when it is at rest: an idle engine must not take the other's core. */
export function sideOf(worker: Worker, shortest = 0): Side {
  return {
    shortest,
    measure: (count, times) => worker.ask<"run">({ ask: "run", count, times }),
    async rest() {
      const deadline = performance.now() + PATIENCE;
      for (let before = worker.processorTime(); before !== undefined; ) {
        await sleep(GLANCE);
        const now = worker.processorTime() ?? 0;
        if (now - before < STILL) return;
        if (performance.now() > deadline) throw new Error(`${worker.name} goes on computing when nothing is asked of it`);
        before = now;
      }
      await sleep(PAUSE);
    },
  };
}
