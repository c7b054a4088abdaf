// What the numbers of a model's tensors are like. Knows nothing of what they are for.

import type { Tensor } from "../model/parameters.js";

export interface TensorStatistics {
  readonly name: string;
  readonly shape: readonly number[];
  /** Of the finite numbers; null where there is none. */
  readonly mean: number | null;
  /** Over n. */
  readonly deviation: number | null;
  readonly least: number | null;
  readonly largest: number | null;
  /** Numbers that are NaN or infinite. */
  readonly notFinite: number;
}

export function statisticsOf(tensors: Readonly<Record<string, Tensor>>): TensorStatistics[] {
  return Object.entries(tensors).map(([name, { shape, data }]) => {
    let [count, sum, squares, least, largest] = [0, 0, 0, Infinity, -Infinity];
    for (const value of data) {
      if (!Number.isFinite(value)) continue;
      count++;
      sum += value;
      squares += value * value;
      least = Math.min(least, value);
      largest = Math.max(largest, value);
    }
    if (count === 0) return { name, shape, mean: null, deviation: null, least: null, largest: null, notFinite: data.length };
    const mean = sum / count;
    const deviation = Math.sqrt(Math.max(0, squares / count - mean * mean));
    return { name, shape, mean, deviation, least, largest, notFinite: data.length - count };
  });
}
