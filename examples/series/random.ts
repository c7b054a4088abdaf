// What the examples of series draw beside uniform numbers.

import { type Random, below } from "../learning/random.js";

/** A number of the standard normal distribution (Box and Muller 1958). */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** The items in an order of which each is as likely. */
export function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const chosen = below(last + 1, random);
    [order[last], order[chosen]] = [order[chosen] as Item, order[last] as Item];
  }
  return order;
}

/** Indices of `targets` in `folds` parts, each with as many of every class as can be. */
export function stratified(targets: readonly string[], folds: number, random: Random): number[][] {
  const parts = Array.from({ length: folds }, (): number[] => []);
  let next = 0;
  for (const name of [...new Set(targets)].sort()) {
    const members = targets.flatMap((target, index) => (target === name ? [index] : []));
    for (const index of shuffled(members, random)) parts[next++ % folds]?.push(index);
  }
  return parts;
}
