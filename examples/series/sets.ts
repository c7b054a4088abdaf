// Sets of the UCR/UEA archive with its own splits, and how they are learned.

import { readUcrTs } from "gatewise/data";
import { findFile } from "../learning/folder.js";
import type { Task } from "../learning/recipe.js";

const task = (dataset: string, file: string, about: string, pytorch: readonly [number, number]): Task => ({
  dataset,
  about: `${file}: ${about}`,
  async read(folder) {
    const source = `Get ${file} in the .ts format from www.timeseriesclassification.com, or by the Python package aeon; gzipped or not.`;
    const read = (part: string) => readUcrTs(findFile(folder, "ucr", [`${file}_${part}.ts`], source));
    return { training: await read("TRAIN"), test: await read("TEST") };
  },
  // Small sets take more passes.
  recipe: ({ shape }) => ({ units: 64, bidirectional: true, scaling: "standard", batchSize: 16, epochs: shape[0] < 100 ? 150 : 60 }),
  pytorch,
});

export const GUNPOINT = task("gunpoint", "GunPoint", "does she draw a gun, or point with a finger?", [0.81, 0.9]);
export const ITALY = task("italy", "ItalyPowerDemand", "is it summer or winter, by a day's demand for power?", [0.954, 0.959]);
export const ARROWHEAD = task("arrowhead", "ArrowHead", "of which kind is an arrowhead, by its outline?", [0.3, 0.49]);
export const MOTIONS = task("basicmotions", "BasicMotions", "is it walking, running, standing or badminton, by a watch's sensors?", [0.925, 0.95]);
export const VOWELS = task("japanesevowels", "JapaneseVowels", "which of nine men says two vowels?", [0.968, 0.981]);

export const SERIES = [GUNPOINT, ITALY, ARROWHEAD, MOTIONS, VOWELS] as const;
