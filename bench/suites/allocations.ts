// What a step allocates: in the core, where the answer has to be nothing, and on JavaScript's heap.

import { join } from "node:path";

import { root } from "../../scripts/setup/places.mjs";
import type { Row } from "../rows.js";
import { nameOf, shape } from "../shapes.js";
import type { Suite } from "../suite.js";
import { LIMITS } from "../targets.js";
import { programPath, runProgram } from "./fresh-process.js";
import { rowOf } from "./row.js";

const SUITE = "allocations";
const BATCH = shape(64, 28, 28, 128);
const CORE_STEP = shape(1, 1, 28, 128);
const STEP = shape(1, 1, 16, 64);

/** Room for young objects, in MiB: no collection may run while they are counted. */
const NURSERY = 64;

export const allocations: Suite = {
  name: SUITE,
  async *run({ wanted, log }) {
    if (wanted(SUITE, nameOf(BATCH), null)) {
      log(`${SUITE}: in the core`);
      yield* await coreRows();
    }
    if (!wanted(SUITE, nameOf(STEP), null)) return;
    for (const call of ["stream.next", "stream.run", "model.run"]) {
      log(`${SUITE}: on the heap, ${call}`);
      yield await heapRow(call);
    }
  },
};

/** A program whose allocator counts; Cargo builds it where it is not built yet. */
const COUNT = ["run", "--quiet", "--release", "-p", "lstm-core", "--features", "threads", "--example", "bench_allocations"];

/** Calls of the allocator by a warm step, on one thread. */
async function coreRows(): Promise<Row[]> {
  const manifest = ["--manifest-path", join(root, "Cargo.toml")];
  const counted = await runProgram<Record<string, number>>(["cargo", ...COUNT, ...manifest]);
  return Object.entries(counted).map(([operation, value]) =>
    rowOf({
      suite: SUITE,
      operation,
      shape: nameOf(operation === "streaming step" ? CORE_STEP : BATCH),
      threads: 1,
      backend: "core",
      figure: { value, unit: "allocations" },
      target: "none",
      met: value <= LIMITS.allocations,
    }),
  );
}

/** Bytes of JavaScript objects that a call leaves to the collector, and bytes that a collection does not get back. */
async function heapRow(call: string): Promise<Row> {
  const flags = ["--expose-gc", `--min-semi-space-size=${NURSERY}`, `--max-semi-space-size=${NURSERY}`];
  const { allocated, kept } = await runProgram<{ allocated: number; kept: number }>([
    process.execPath,
    ...flags,
    programPath("heap-growth.mjs"),
    call,
  ]);
  return rowOf({
    suite: SUITE,
    operation: call,
    shape: nameOf(STEP),
    threads: 1,
    backend: "native",
    figure: { value: Math.round(allocated), unit: "bytes of JavaScript's heap" },
    note: `kept after a collection: ${Math.max(0, Math.round(kept))} bytes a call`,
  });
}
