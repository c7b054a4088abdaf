// Which recipe for GunPoint and ArrowHead? Stratified cross-validation on the training part, and on nothing else: the test part is not
// even read.
//   npx tsx examples/series/cross-validation.ts gunpoint FOLDER

import { readUcrTs } from "gatewise/data";
import type { LayerDefinition } from "gatewise/layers";
import { findFile } from "../learning/folder.js";
import { randomFrom } from "../learning/random.js";
import type { Labelled } from "../learning/recipe.js";
import { type OwnRecipe, trainAndTest } from "./own-recipe.js";
import { stratified } from "./random.js";
import { type Patches, type Variation, pick } from "./series.js";

const REPEATS = 2;

const both = (units: number): readonly LayerDefinition[] => [{ cell: "lstm", units, bidirectional: true }];
const steps = (length: number, stride: number, differences = false): Patches => ({ length, stride, differences });
const NONE: Variation = { copies: 1, jitter: 0, scale: 0, warp: 0, shift: 0 };
const gentle = (copies: number): Variation => ({ copies, jitter: 0.05, scale: 0.05, warp: 0.01, shift: 0.01 });
const strong = (copies: number): Variation => ({ copies, jitter: 0.03, scale: 0.1, warp: 0.03, shift: 0.03 });

const BASE: OwnRecipe = {
  scaling: "standard",
  patches: steps(10, 5),
  variation: NONE,
  layers: both(32),
  at: "last",
  dropout: 0,
  epochs: 20,
  batchSize: 16,
  peak: 4e-3,
  weightDecay: 0.01,
};

/** As many steps of the optimiser with copies as without. */
const copied = (recipe: Partial<OwnRecipe>, variation: Variation) => ({ ...recipe, variation, epochs: Math.round(160 / variation.copies) });

interface Search {
  readonly file: string;
  readonly folds: number;
  readonly candidates: Readonly<Record<string, Partial<OwnRecipe>>>;
}

const SETS: Readonly<Record<string, Search>> = {
  gunpoint: {
    file: "GunPoint",
    folds: 10,
    candidates: {
      "10 values, every 5th": { epochs: 160 },
      "10/5 and differences": { patches: steps(10, 5, true), epochs: 160 },
      "10/5 and differences, gentle": copied({ patches: steps(10, 5, true) }, gentle(8)),
      "10/5 and differences, strong": copied({ patches: steps(10, 5, true) }, strong(8)),
      "10/5 and differences, strong, max": copied({ patches: steps(10, 5, true), at: "max" }, strong(8)),
      "10/5 and differences, strong, 64 units": copied({ patches: steps(10, 5, true), layers: both(64) }, strong(8)),
      "10/5 and differences, strong, dropout 0.3": copied({ patches: steps(10, 5, true), dropout: 0.3 }, strong(8)),
      "30/15 and differences, strong": copied({ patches: steps(30, 15, true) }, strong(8)),
      "30/15 and differences, strong, max": copied({ patches: steps(30, 15, true), at: "max" }, strong(8)),
      "whole and differences, strong": copied({ patches: steps(150, 150, true) }, strong(8)),
    },
  },
  arrowhead: {
    file: "ArrowHead",
    folds: 9,
    candidates: {
      "10 values, every 5th": { epochs: 160 },
      "60/30": { patches: steps(60, 30), epochs: 160 },
      "60/30, gentle": copied({ patches: steps(60, 30) }, gentle(8)),
      "60/30 and differences, gentle": copied({ patches: steps(60, 30, true) }, gentle(8)),
      "120/40 and differences, gentle": copied({ patches: steps(120, 40, true) }, gentle(8)),
      "whole": { patches: steps(251, 251), epochs: 160 },
      "whole, gentle": copied({ patches: steps(251, 251) }, gentle(8)),
      "whole and differences": { patches: steps(251, 251, true), epochs: 160 },
      "whole and differences, gentle": copied({ patches: steps(251, 251, true) }, gentle(8)),
      "whole and differences, strong": copied({ patches: steps(251, 251, true) }, strong(8)),
      "whole and differences, gentle, as they come": copied({ patches: steps(251, 251, true), scaling: "none" }, gentle(8)),
      "whole and differences, gentle, dropout 0.5, 64 units": copied({ patches: steps(251, 251, true), dropout: 0.5, layers: both(64) }, gentle(8)),
    },
  },
};

/** Of all series, each held out once a repeat: how many were told right, and the mean of the folds' losses. */
async function validate({ x, shape, targets, classes }: Labelled, recipe: OwnRecipe, folds: number): Promise<{ accuracy: number; loss: number }> {
  const all = { x, shape, targets, classes };
  let [right, loss] = [0, 0];
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    const parts = stratified(all.targets, folds, randomFrom(1000 + repeat));
    for (const [fold, held] of parts.entries()) {
      const rest = parts.flatMap((part, index) => (index === fold ? [] : part));
      const result = await trainAndTest(pick(all, rest), pick(all, held), recipe, 100 * repeat + fold, { backend: "auto", threads: 1 });
      right += Math.round(result.accuracy * held.length);
      loss += result.loss / (folds * REPEATS);
    }
  }
  return { accuracy: right / (REPEATS * all.targets.length), loss };
}

const [name = "", folder] = process.argv.slice(2);
const set = SETS[name];
if (set === undefined || folder === undefined) {
  console.error(`npx tsx examples/series/cross-validation.ts ${Object.keys(SETS).join("|")} FOLDER`);
  process.exitCode = 2;
} else {
  const source = `Get ${set.file} in the .ts format from www.timeseriesclassification.com.`;
  const training = await readUcrTs(findFile(folder, "ucr", [`${set.file}_TRAIN.ts`], source));
  console.log(`${set.file}: ${training.shape[0]} series, ${REPEATS} × ${set.folds} folds\n\n| recipe | accuracy | loss |\n| --- | --- | --- |`);
  for (const [candidate, changes] of Object.entries(set.candidates)) {
    const { accuracy, loss } = await validate(training, { ...BASE, ...changes }, set.folds);
    console.log(`| ${candidate} | ${accuracy.toFixed(3)} | ${loss.toFixed(3)} |`);
  }
}
