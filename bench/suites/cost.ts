// Time against batch, steps and units, from small to large: ours, the peers', and the machine's limit. See `plots/cost.ts`.

import { Comparison, type Contest } from "../comparison.js";
import type { Row } from "../rows.js";
import { nameOf } from "../shapes.js";
import type { Suite } from "../suite.js";
import { SWEEPS, isQuick } from "./sweeps.js";

const SUITE = "cost";

const KINDS = [
  { operation: "inference", peers: ["pytorch", "onnxruntime-node"] },
  { operation: "training step", peers: ["pytorch"] },
] as const;

export const cost: Suite = {
  name: SUITE,
  async *run(context): AsyncGenerator<Row> {
    const comparison = new Comparison(context);
    try {
      for (const contest of contests(context.options.quick)) {
        for await (const row of comparison.run(contest)) {
          // What has to be reached is asked of the list's shapes; these show how the cost grows.
          if (row.peer !== "multiply-add peak") yield { ...row, target: null, met: null };
        }
      }
    } finally {
      comparison.stop();
    }
  },
};

/** Where the sweeps cross, they share a measurement. */
function contests(quick: boolean): Contest[] {
  const all = SWEEPS.flatMap(({ shapes }) => shapes).filter((shape) => !quick || isQuick(shape));
  const shapes = [...new Map(all.map((shape) => [nameOf(shape), shape])).values()];
  return KINDS.flatMap(({ operation, peers }) =>
    shapes.map((shape) => ({ suite: SUITE, operation, shape, threads: 1, backend: "native" as const, peers })),
  );
}
