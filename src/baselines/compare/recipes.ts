// How networks are made and trained where nobody says how: one place for all of it. Knows nothing of data but its size.

import type { Layers, TrainingRecipe } from "../networks.js";

/** The cells that are compared by name. */
export type CellName = "lstm" | "gru" | "rnn";

/** What a network is made of, and how it is trained. */
export interface Recipe {
  readonly layers: Layers;
  readonly training: TrainingRecipe;
}

/**
 * One layer that reads in both directions, Adam with a one-cycle schedule to 4e-3, global-norm clip 1; fewer passes the more
 * samples there are, no early stopping.
 */
export function classificationRecipe(cell: CellName, samples: number, units = 64): Recipe {
  const epochs = samples < 100 ? 150 : samples < 1000 ? 60 : 20;
  const batchSize = samples < 1000 ? 16 : 64;
  return {
    layers: [{ cell, units, bidirectional: true }],
    training: { epochs, batchSize, clipNorm: 1, optimizer: { kind: "adam", learningRate: { schedule: "one-cycle", peak: 4e-3 } } },
  };
}

/**
 * One small layer that reads two seasons (or twice the horizon, where there are no seasons), differenced by season. Chosen on the
 * air passengers' training part by rolling origins: `npx tsx examples/comparison/air-passengers.ts --choose` shows it.
 */
export function forecastingRecipe(cell: CellName, season: number, horizon: number, units = 16): Recipe & { readonly window: number } {
  return {
    layers: [{ cell, units }],
    training: { epochs: 60, batchSize: 16, clipNorm: 1, optimizer: { kind: "adam", learningRate: 2e-3 } },
    window: 2 * (season > 1 ? season : horizon),
  };
}
