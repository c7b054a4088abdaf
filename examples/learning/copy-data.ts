// Copy memory (Hochreiter and Schmidhuber 1997; here as in Arjovsky, Shah and Bengio 2016): ten symbols of eight, blanks, a
// mark, and then the ten symbols are to be said again. A step before that has the blank as its target.

import { type Random, below } from "./random.js";

/** Symbols to remember, and how many there are to choose from. */
export const REMEMBERED = 10;
const SYMBOLS = 8;
/** What stands where nothing else does, in the input and as a target. */
const BLANK = SYMBOLS;
/** Says that it is time: the first of the ten symbols is the target of the step after the mark. */
const MARK = SYMBOLS + 1;

/** Numbers a step: 1 at the place of what stands there. */
export const FEATURES = SYMBOLS + 2;
export const CLASSES = ["1", "2", "3", "4", "5", "6", "7", "8", "blank"] as const;

/** The mean loss a step of who knows all but the symbols: 10 · ln 8 / (T + 20). */
export function memorylessLoss(delay: number): number {
  return (REMEMBERED * Math.log(SYMBOLS)) / stepsOf(delay);
}

/** Steps of a sequence: the symbols, `delay` steps of which the last has the mark, and the symbols again. */
export function stepsOf(delay: number): number {
  return delay + 2 * REMEMBERED;
}

export interface Copies {
  readonly x: Float32Array;
  readonly shape: readonly [n: number, steps: number, features: number];
  readonly lengths: Uint32Array;
  /** [n, steps], below 0 in the padding. */
  readonly targets: Int8Array;
}

/** A sequence for each delay, padded to the longest of them. */
export function copies(delays: Uint32Array, random: Random): Copies {
  const n = delays.length;
  const lengths = delays.map(stepsOf);
  const steps = lengths.reduce((longest, length) => Math.max(longest, length), 0);
  const x = new Float32Array(n * steps * FEATURES);
  const targets = new Int8Array(n * steps).fill(-1);
  delays.forEach((delay, sequence) => {
    const symbols = Array.from({ length: REMEMBERED }, () => below(SYMBOLS, random));
    for (let step = 0; step < stepsOf(delay); step++) {
      const place = sequence * steps + step;
      const seen = step === REMEMBERED + delay - 1 ? MARK : (symbols[step] ?? BLANK);
      x[place * FEATURES + seen] = 1;
      targets[place] = symbols[step - REMEMBERED - delay] ?? BLANK;
    }
  });
  return { x, shape: [n, steps, FEATURES], lengths, targets };
}

/**
 * Delays of the training sequences, which `fit` takes in this order: each is drawn from 1 to a limit, which rises evenly to
 * `delay` over the first seven tenths.
 */
export function risingDelays(n: number, delay: number, random: Random): Uint32Array {
  const limit = (index: number) => Math.max(1, Math.min(delay, Math.round((delay * index) / (0.7 * n))));
  return Uint32Array.from({ length: n }, (_, index) => 1 + below(limit(index), random));
}
