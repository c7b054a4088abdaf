// What private training costs Opacus: its step with a gradient of every sample, clipped each, with noise, against PyTorch's
// ordinary step of the same model. Ours has none yet.

import { Engines } from "../engines.js";
import { Inputs } from "../inputs.js";
import { FULL, QUICK, interleave, ratioOf, timesOf } from "../interleave.js";
import type { Row } from "../rows.js";
import { CLASSES, nameOf, shape } from "../shapes.js";
import type { Context, Suite } from "../suite.js";
import { sideOf } from "../workers/side.js";
import { rowOf } from "./row.js";

const SUITE = "private";
const SHAPE = shape(64, 28, 28, 128);

export const privateTraining: Suite = {
  name: SUITE,
  async run(context) {
    const { options, peers, wanted } = context;
    if (!wanted(SUITE, nameOf(SHAPE), "opacus") || options.threads === 2) return [];
    const { opacus } = peers;
    if (!opacus.available) return [{ ...EMPTY, note: `missing: ${opacus.reason}` }];
    const engines = new Engines(peers);
    try {
      return [await measure(context, engines)];
    } finally {
      engines.stop();
    }
  },
};

const EMPTY = rowOf({ suite: SUITE, operation: "training step", shape: nameOf(SHAPE), threads: 1, peer: "opacus" });

async function measure({ options, log }: Context, engines: Engines): Promise<Row> {
  log(`${SUITE}: Opacus' training step ${nameOf(SHAPE)}`);
  const { model, data } = await new Inputs().of(SHAPE);
  const job = { threads: 1, model, shape: SHAPE, classes: CLASSES, data };
  const [ordinary, own] = [engines.worker("pytorch"), engines.worker("opacus")];
  await ordinary.ask<"load">({ ask: "load", job: { ...job, operation: "training step" } });
  await own.ask<"load">({ ask: "load", job: { ...job, operation: "private step" } });
  const [less = [], more = []] = await interleave([sideOf(ordinary), sideOf(own)], options.quick ? QUICK : FULL);
  const { ratio, low, high } = ratioOf(less, more);
  const [{ best: plain }, { best, median }] = [timesOf(less), timesOf(more)];
  const note = `its ordinary step: ${plain.toFixed(1)} ms; quartiles of the cost: ${low.toFixed(1)} – ${high.toFixed(1)}`;
  return { ...EMPTY, peer_ms: best, peer_median_ms: median, runs: more.length, cost: ratio, cost_over: "its own ordinary step", note };
}
