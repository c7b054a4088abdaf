import type { Machine } from "../learning/program.js";
import type { Split } from "../learning/recipe.js";
import { type OwnRecipe, trainAndTest } from "./own-recipe.js";
export const OURS: Readonly<Record<string, OwnRecipe>> = {};
export async function learnOurs(_name: string, { training, test }: Split, recipe: OwnRecipe, seed: number, machine: Machine): Promise<number> {
  return (await trainAndTest(training, test, recipe, seed, machine)).accuracy;
}
