// The adding problem (Hochreiter and Schmidhuber 1997, experiment 4) in the form of Le, Jaitly and Hinton (2015): a step is a
// number from 0 to 1 and a mark; two steps are marked, one in each half of the sequence; the target is the sum of their numbers.

import { type Random, below } from "./random.js";

/** The mean squared error of the constant guess 1: the variance of the sum of two uniform numbers. */
export const GUESS = 1 / 6;

export interface Sums {
  readonly x: Float32Array;
  readonly shape: readonly [n: number, steps: number, features: 2];
  readonly lengths: Uint32Array;
  readonly targets: Float32Array;
}

/** As many sequences as `lengths` has; each is 2 or more steps long, the longest `steps`. */
export function sums(lengths: Uint32Array, steps: number, random: Random): Sums {
  const n = lengths.length;
  const x = new Float32Array(n * steps * 2);
  const targets = new Float32Array(n);
  lengths.forEach((length, sequence) => {
    const start = sequence * steps;
    for (let step = 0; step < length; step++) x[(start + step) * 2] = random();
    const half = Math.floor(length / 2);
    for (const marked of [below(half, random), half + below(length - half, random)]) {
      const place = (start + marked) * 2;
      x[place + 1] = 1;
      targets[sequence] = (targets[sequence] ?? 0) + (x[place] ?? 0);
    }
  });
  return { x, shape: [n, steps, 2], lengths, targets };
}

/**
 * Lengths of the training sequences, which `fit` takes in this order: all alike; or rising from 20 over the first two thirds,
 * by the same factor from one to the next, so that most are short while the task is new.
 */
export function lengthsOf(kind: "full" | "rising", n: number, steps: number): Uint32Array {
  const shortest = Math.min(steps, 20);
  const rising = (index: number) => Math.min(steps, Math.round(shortest * (steps / shortest) ** (index / (n * (2 / 3)))));
  return Uint32Array.from({ length: n }, (_, index) => (kind === "full" ? steps : rising(index)));
}
