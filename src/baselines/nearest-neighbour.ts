// The class of the nearest training sequence: for many years what every other way of classifying series was held to (Bagnall et
// al. 2017). Knows nothing of probabilities.

import { GatewiseError } from "../errors.js";
import { TURN_MS, nextTurn } from "../event-loop.js";
import { type Classifier, type WorkOptions, notFitted } from "./classifier.js";
import { squaredDtw, squaredEuclidean } from "./dtw.js";
import { type Series, readLabelled, readSeries } from "./series.js";

/** How near two sequences are. */
export interface NeighbourOptions {
  /** `"euclidean"`: step by step; `"dtw"`: with time warped, all channels alike. */
  readonly distance: "euclidean" | "dtw";
  /**
   * Of DTW: the part of the longer sequence, from 0 to 1, by which a path may leave the diagonal, rounded down to steps (Sakoe
   * and Chiba 1978). 1, any path, unless given.
   */
  readonly window?: number | undefined;
}

/**
 * The class of the nearest training sequence, of several the first. Statics are not looked at. Sequences of unequal length: DTW
 * takes them as they are; by Euclid the longer one's end is left out.
 *
 * Takes n(train) × n(test) distances, of DTW each steps² long; those that cannot be the least any more are given up early.
 *
 * @throws {GatewiseError} `invalid_option`
 *
 * @example
 * ```ts
 * const dtw = nearestNeighbour({ distance: "dtw", window: 0.1 });
 * await dtw.fit(train);
 * const guesses = await dtw.predict(test);
 * ```
 */
export function nearestNeighbour({ distance, window = 1 }: NeighbourOptions): Classifier {
  if (distance !== "euclidean" && distance !== "dtw") {
    throw new GatewiseError("invalid_option", "distance", `distance is "${String(distance)}": give "euclidean" or "dtw"`);
  }
  if (!(window >= 0 && window <= 1)) {
    throw new GatewiseError("invalid_option", "window", `window is ${String(window)}: give a part of the length, from 0 to 1`);
  }
  let known: (Series & { readonly targets: readonly string[] }) | undefined;
  return {
    parameters: null,
    settings: distance === "dtw" ? { distance, window } : { distance },
    async fit(train) {
      known = readLabelled(train, "train.");
    },
    async predict(test, options = {}) {
      const { rows, channels } = readSeries(test, "test.");
      if (!known) throw notFitted();
      if (channels !== known.channels) {
        const message = `the test sequences have ${channels} features a step, those of training ${known.channels}`;
        throw new GatewiseError("shape_mismatch", "test.shape", message);
      }
      const measure = distance === "dtw" ? warped(channels, window) : squaredEuclidean;
      const { rows: references, targets } = known;
      const nearest = await nearestOf(rows, references, measure, options);
      return nearest.map((index) => ({ label: targets[index] as string, probabilities: null }));
    },
  };
}

/** The distance of a and b, or Infinity once it is known to reach `limit`. */
type Measure = (a: Float64Array, b: Float64Array, limit: number) => number;

function warped(channels: number, window: number): Measure {
  return (a, b, limit) => {
    const radius = Math.floor((window * Math.max(a.length, b.length)) / channels);
    return squaredDtw(a, b, { channels, radius, limit });
  };
}

/** For each row the index of the nearest reference. Gives the event loop its turn. */
async function nearestOf(
  rows: readonly Float64Array[],
  references: readonly Float64Array[],
  measure: Measure,
  { signal }: WorkOptions,
): Promise<number[]> {
  const nearest: number[] = [];
  let turn = performance.now();
  for (const row of rows) {
    let [best, index] = [Infinity, 0];
    references.forEach((reference, n) => {
      const distance = measure(row, reference, best);
      if (distance < best) [best, index] = [distance, n];
    });
    nearest.push(index);
    if (performance.now() - turn > TURN_MS) {
      await nextTurn();
      signal?.throwIfAborted();
      turn = performance.now();
    }
  }
  return nearest;
}
