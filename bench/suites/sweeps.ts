// From small to large: the shapes over which the cost is drawn, each a line of one size with the others held.

import { type Shape, shape } from "../shapes.js";

export interface Sweep {
  /** The size that grows. */
  readonly size: "batch" | "steps" | "units";
  readonly letter: "B" | "T" | "H";
  /** What it counts. */
  readonly counts: string;
  /** The others, in words. */
  readonly held: string;
  readonly shapes: readonly Shape[];
}

const HELD = { batch: 64, steps: 28, features: 28, units: 128 } as const;

/** All go through 64,28,28,128. */
export const SWEEPS: readonly Sweep[] = [
  {
    size: "batch",
    letter: "B",
    counts: "sequences",
    held: "T 28, I 28, H 128",
    shapes: [1, 4, 16, 64, 256, 1024].map((batch) => shape(batch, HELD.steps, HELD.features, HELD.units)),
  },
  {
    size: "steps",
    letter: "T",
    counts: "time steps",
    held: "B 64, I 28, H 128",
    shapes: [1, 7, 28, 112, 448].map((steps) => shape(HELD.batch, steps, HELD.features, HELD.units)),
  },
  {
    size: "units",
    letter: "H",
    counts: "hidden units",
    held: "B 64, T 28, I 28",
    shapes: [8, 32, 128, 512, 1024].map((units) => shape(HELD.batch, HELD.steps, HELD.features, units)),
  },
];

/** Whether a quick run measures it too: the shape where the sweeps cross, and a smaller batch. */
export function isQuick({ batch, steps, units }: Shape): boolean {
  return (batch === HELD.batch || batch === HELD.batch / 4) && steps === HELD.steps && units === HELD.units;
}
