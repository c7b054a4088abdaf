// What the tests of tuning share: a problem of a second, and a space over it.

import type { LabelledData } from "gatewise";
import type { Space, TuningOptions, TuningRecord } from "gatewise/tuning";

import { type Direction, definition, risingOrFalling } from "../facade/support.js";

/** Sequences that rise or fall. */
export function problem(n: number, seed: number): LabelledData<Direction> {
  return risingOrFalling(n, 12, seed);
}

export const SPACE: Space = {
  cell: { choice: ["lstm", "gru", "rnn"] },
  units: { integer: [2, 16], scale: "log" },
  layers: { integer: [1, 2] },
  dropout: { uniform: [0, 0.5] },
  learningRate: { logUniform: [1e-3, 1e-1] },
};

const { input, output } = definition;

/** What every tuning here begins from. */
export const BASE = {
  definition: { input, layers: [{ cell: "lstm", units: 4 }], output, seed: 7 },
  options: { batchSize: 16, clipNorm: 1 },
  space: SPACE,
  data: problem(96, 1),
  validation: problem(48, 2),
  budget: { trials: 9, epochs: 9 },
} as const satisfies TuningOptions<{ classes: readonly Direction[] }>;

/** What two tunings have to have in common: all but the time that they took. */
export function comparable(result: TuningRecord): unknown {
  return JSON.parse(JSON.stringify(result, (key, value: unknown) => (key === "seconds" ? undefined : value)));
}
