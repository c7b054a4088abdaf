// What every way of classifying sequences has to offer to be compared. Types, and the simplest one: always the commonest class.

import { GatewiseError } from "../errors.js";
import { type LabelledSeries, type UnlabelledSeries, readLabelled, readSeries } from "./series.js";

/** What long work heeds. */
export interface WorkOptions {
  /** Ends the work: the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A class for a sequence. */
export interface ClassGuess {
  readonly label: string;
  /** The probability of each class; null from what has none. */
  readonly probabilities: Readonly<Record<string, number>> | null;
}

/**
 * A way of classifying sequences: learns from `train`, then answers. The baselines here are made by functions of their names;
 * anything with these two methods can be compared.
 */
export interface Classifier {
  /**
   * Learns; what was learned before is forgotten.
   *
   * @param train [n, steps, features] and the classes
   */
  fit(train: LabelledSeries, options?: WorkOptions): Promise<void>;
  /**
   * Answers.
   *
   * @param test [n, steps, features]
   * @returns [n]
   */
  predict(test: UnlabelledSeries, options?: WorkOptions): Promise<ClassGuess[]>;
  /** Numbers that were learned; null where the training data itself is kept. Known after `fit`. */
  readonly parameters: number | null;
  /** Of each pass over the training data, where there are passes. Known after `fit`. */
  readonly epochs?: readonly EpochLosses[] | undefined;
  /** What is to be known of how it was trained, as data. */
  readonly settings?: object | undefined;
  /** Gives back what `fit` holds. */
  dispose?(): void;
}

/** The losses of a pass over the training data. */
export interface EpochLosses {
  readonly loss: number;
  readonly validation: number | null;
}

/** What `predict` answers before `fit`. */
export function notFitted(): GatewiseError {
  return new GatewiseError("invalid_option", "", "nothing has been learned yet: call fit first");
}

/**
 * Always the class that is commonest in training, of several the first; its probabilities are the classes' parts.
 *
 * @example
 * ```ts
 * const baseline = majority();
 * await baseline.fit({ x, shape: [100, 24, 5], targets });
 * const guesses = await baseline.predict({ x, shape: [100, 24, 5] });
 * ```
 */
export function majority(): Classifier {
  let guess: ClassGuess | undefined;
  return {
    parameters: 0,
    async fit(train) {
      const { targets } = readLabelled(train, "train.");
      const counts = new Map<string, number>();
      for (const target of targets) counts.set(target, (counts.get(target) ?? 0) + 1);
      const parts = [...counts].map(([name, count]) => [name, count / targets.length] as const);
      const [label] = parts.reduce((best, part) => (part[1] > best[1] ? part : best));
      guess = { label, probabilities: Object.fromEntries(parts) };
    },
    async predict(test) {
      const { rows } = readSeries(test, "test.");
      if (!guess) throw notFitted();
      const same = guess;
      return rows.map(() => same);
    },
  };
}
