// How a budget is spent: the rungs of successive halving, of which random search is the one with a single rung. Knows nothing
// of what a trial is.

import * as v from "valibot";

import type { DeepReadonly } from "../model/definition.js";
import { fields } from "../validate.js";

const whole = (from: number, what: string) =>
  v.pipe(v.number(what), v.safeInteger(what), v.minValue(from, what));

/** How much may be tried. */
export const BudgetSchema = fields({
  trials: whole(1, "this must be how many trials, a whole number from 1 on"),
  epochs: whole(1, "this must be the epochs of the longest trials, a whole number from 1 on"),
  reduction: v.optional(whole(2, "this must be a whole number from 2 on: one of so many trials goes on")),
  minimumEpochs: v.optional(whole(1, "this must be the epochs of the shortest trials, a whole number from 1 on")),
});

/** How trials are chosen. */
export const SearchSchema = v.picklist(["random", "halving"], 'the search is "random" or "halving"');

/** `"random"`: every trial gets all epochs. `"halving"`: most get few, and the best of each rung go on. */
export type Search = v.InferInput<typeof SearchSchema>;

/** How much may be tried. */
export type Budget = DeepReadonly<v.InferInput<typeof BudgetSchema>>;

/** One round of trials that all get as many epochs. */
export interface Rung {
  /** The most trials that take part: the best of the rung before. */
  readonly trials: number;
  readonly epochs: number;
}

/**
 * The rungs of a search. With η = `reduction` and K rungs, rung k trains ⌊trials / ηᵏ⌋ trials for epochs / ηᴷ⁻¹⁻ᵏ epochs each:
 * Hyperband's inner loop (Li et al. 2018, algorithm 1), which is successive halving (Jamieson and Talwalkar 2016). There are as
 * many rungs as leave a trial for the last, and `minimumEpochs` for the first.
 */
export function rungsOf(search: Search, { trials, epochs, reduction = 3, minimumEpochs = 1 }: Budget): Rung[] {
  let count = 1;
  const possible = (rungs: number) => trials >= reduction ** (rungs - 1) && epochs >= minimumEpochs * reduction ** (rungs - 1);
  if (search === "halving") while (possible(count + 1)) count++;
  return Array.from({ length: count }, (_, rung) => ({
    trials: Math.floor(trials / reduction ** rung),
    epochs: Math.round(epochs / reduction ** (count - 1 - rung)),
  }));
}
