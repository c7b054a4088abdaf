// Recipes of our own for the two sets that the shared one does not learn. Chosen by cross-validation on the training part alone (the
// table stands in README.md), and frozen before the test part was looked at.

import type { Machine } from "../learning/program.js";
import type { Split } from "../learning/recipe.js";
import { type OwnRecipe, trainAndTest } from "./own-recipe.js";

/** One layer in both directions, 20 passes over eight of each series. */
const BOTH = {
  scaling: "standard",
  layers: [{ cell: "lstm", units: 32, bidirectional: true }],
  at: "last",
  dropout: 0,
  epochs: 20,
  batchSize: 16,
  peak: 4e-3,
  weightDecay: 0.01,
} as const;

/** By the name of the data set. */
export const OURS: Readonly<Record<string, OwnRecipe>> = {
  // Nine steps of 30 values and their differences.
  gunpoint: {
    ...BOTH,
    patches: { length: 30, stride: 15, differences: true },
    variation: { copies: 8, jitter: 0.03, scale: 0.1, warp: 0.03, shift: 0.03 },
  },
  // The whole outline and its differences as one step.
  arrowhead: {
    ...BOTH,
    patches: { length: 251, stride: 251, differences: true },
    variation: { copies: 8, jitter: 0.05, scale: 0.05, warp: 0.01, shift: 0.01 },
  },
};

/** The accuracy over the test part of a model of this seed, by a recipe of our own. */
export async function learnOurs({ training, test }: Split, recipe: OwnRecipe, seed: number, machine: Machine): Promise<number> {
  return (await trainAndTest(training, test, recipe, seed, machine)).accuracy;
}
