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
    // Lines over factors of a thousand do not need the turns that targets need.
    const comparison = new Comparison({ ...context, options: { ...context.options, quick: true } });
    try {
      for (const contest of contests(context.options.quick)) yield* withoutTargets(comparison.run(contest));
    } finally {
      comparison.stop();
    }
  },
};

/** What has to be reached is asked of the benchmark's own shapes; these show how the cost grows. */
async function* withoutTargets(rows: AsyncIterable<Row>): AsyncGenerator<Row> {
  for await (const row of rows) {
    if (row.peer !== "multiply-add peak") yield { ...row, target: null, met: null };
  }
}

/** Where the sweeps cross, they share a measurement. */
function contests(quick: boolean): Contest[] {
  const all = SWEEPS.flatMap(({ shapes }) => shapes).filter((shape) => !quick || isQuick(shape));
  const shapes = [...new Map(all.map((shape) => [nameOf(shape), shape])).values()];
  return KINDS.flatMap(({ operation, peers }) =>
    shapes.map((shape) => ({ suite: SUITE, operation, shape, threads: 1, backend: "native" as const, peers })),
  );
}
