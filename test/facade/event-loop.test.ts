// Training must not hold up the thread that asked for it, and crossings into the core have a size.

import { performance } from "node:perf_hooks";

import { createModel } from "gatewise";
import { describe, expect, test } from "vitest";

import { Pace } from "../../dist/event-loop.js";
import { BACKENDS, definition, risingOrFalling, smallModel } from "./support.js";

describe.each(BACKENDS)("while fit runs on %s", (backend) => {
  test("the event loop is free", async () => {
    using model = await createModel(
      {
        ...definition,
        layers: [
          { cell: "lstm", units: 64 },
          { cell: "lstm", units: 64 },
        ],
      },
      { backend },
    );
    const stop = new AbortController();
    let ticks = 0;
    // Started once training is under way: making the trainer is not part of what is measured.
    let begin: ReturnType<typeof performance.eventLoopUtilization> | undefined;
    let utilization = Number.NaN;
    const history = await model.fit(risingOrFalling(512, 50), {
      epochs: 100_000,
      signal: stop.signal,
      onProgress: () => {
        if (begin) return;
        const start = (begin = performance.eventLoopUtilization());
        const ticking = setInterval(() => (ticks += 1), 10);
        setTimeout(() => {
          clearInterval(ticking);
          utilization = performance.eventLoopUtilization(start).utilization;
          stop.abort();
        }, 1500);
      },
    });
    expect(history.steps).toBeGreaterThan(1);
    // 150 ticks at best. Other processes may take the processor away, but not nine parts in ten of it.
    expect(ticks).toBeGreaterThan(15);
    // Where crossings run on this thread, its loop is never idle: 1. Where they do not, it is some hundredths.
    expect(utilization).toBeLessThan(0.8);
  });

  test("crossings begin with one batch, grow smoothly and do all the steps", async () => {
    using model = await smallModel(backend);
    const sizes: number[] = [];
    const history = await model.fit(risingOrFalling(64, 4), {
      epochs: 200,
      batchSize: 4,
      onProgress: ({ batches }) => void sizes.push(batches),
    });
    expect(history.steps).toBe(3200);
    expect(sizes[0]).toBe(1);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(3200);
    for (const [index, size] of sizes.entries()) {
      expect(size).toBeGreaterThan(0);
      expect(size).toBeLessThanOrEqual(2 * (sizes[index - 1] ?? 1));
    }
    // A batch takes microseconds. One a crossing would be 3200 crossings.
    expect(sizes.length).toBeLessThan(800);
  });
});

describe("the pace of crossings", () => {
  test("settles where one takes the time that it should", () => {
    for (const [cost, settled] of [
      [0.5, 100],
      [3, 17],
      [49, 1],
      [400, 1],
    ] as const) {
      const pace = new Pace(1, 50);
      for (let crossing = 0; crossing < 20; crossing++) pace.observe(pace.amount, pace.amount * cost);
      expect(pace.amount).toBe(settled);
    }
  });

  test("at most doubles or halves, and never comes to nothing", () => {
    const pace = new Pace(1, 50);
    const sizes = [0, 0, 0, 0].map(() => {
      pace.observe(pace.amount, 0);
      return pace.amount;
    });
    expect(sizes).toEqual([2, 4, 8, 16]);
    pace.observe(16, 60_000);
    expect(pace.amount).toBe(8);
    for (let crossing = 0; crossing < 10; crossing++) pace.observe(pace.amount, 60_000);
    expect(pace.amount).toBe(1);
    // What was done may be less than what was asked for, even nothing.
    pace.observe(0, 10);
    expect(pace.amount).toBe(1);
  });
});
