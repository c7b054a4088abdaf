// What the facade and the binding add to the bare core: the same training step through TypeScript and in Rust, in turns.

import { Engines } from "../engines.js";
import { Inputs } from "../inputs.js";
import type { Row } from "../rows.js";
import { CLASSES, nameOf, shape } from "../shapes.js";
import type { Context, Suite } from "../suite.js";
import { LIMITS } from "../targets.js";
import type { Job } from "../workers/protocol.js";
import { inTurns } from "./fresh-process.js";
import { rowOf } from "./row.js";
import { median } from "./statistics.js";

const SUITE = "overhead";
const SHAPE = shape(64, 28, 28, 128);

/** Steps of a measurement: some crossings of the facade, each of about 50 ms. */
const STEPS = 50;

export const overhead: Suite = {
  name: SUITE,
  async run(context) {
    if (!context.wanted(SUITE, nameOf(SHAPE), "core")) return [];
    const engines = new Engines(context.peers);
    try {
      return [await measure(context, engines)];
    } finally {
      engines.stop();
    }
  },
};

async function measure({ options, log }: Context, engines: Engines): Promise<Row> {
  log(`${SUITE}: training step ${nameOf(SHAPE)} through TypeScript and in Rust`);
  const { model, data } = await new Inputs().of(SHAPE);
  const job: Job = { operation: "training step", threads: 1, model, shape: SHAPE, classes: CLASSES, data };
  const [facade, core] = [engines.worker("gatewise"), engines.worker("core")];
  const { isa } = await facade.ask<"load">({ ask: "load", job: { ...job, backend: "native" } });
  await core.ask<"load">({ ask: "load", job });
  const step = (worker: typeof facade) => async () => {
    const [milliseconds = Number.NaN] = await worker.ask<"run">({ ask: "run", count: STEPS, times: 1 });
    return milliseconds;
  };
  const runs = { facade: step(facade), core: step(core) };
  await inTurns(1, runs);
  const times = await inTurns(options.quick ? 5 : 40, runs);
  // Of each pair, as both halves of it meet the machine in the same state.
  const overhead = median(times.facade.map((milliseconds, turn) => milliseconds / (times.core[turn] ?? Number.NaN))) - 1;
  return rowOf({
    suite: SUITE,
    operation: "training step",
    shape: nameOf(SHAPE),
    threads: 1,
    backend: "native",
    isa: isa ?? null,
    peer: "bare core",
    ours_ms: Math.min(...times.facade),
    ours_median_ms: median(times.facade),
    peer_ms: Math.min(...times.core),
    peer_median_ms: median(times.core),
    runs: times.facade.length,
    overhead,
    target: `≤ ${LIMITS.facadeOverhead * 100} %`,
    met: overhead <= LIMITS.facadeOverhead,
  });
}
