// Whether two engines computed the same.

import { readFileSync } from "node:fs";

import type { Answers, Job } from "./workers/protocol.js";

/** Named numbers. */
export type Numbers = ReadonlyMap<string, Float32Array>;

/**
 * How far results may lie apart, as max|a − b| / max(1e-3, max|b|) of each tensor. Both sides compute in f32, whose
 * rounding is 6e-8, and sum in their own order: over a depth of I + H ≤ 768 and then over T ≤ 256 steps forward; over all
 * B·T ≤ 8192 rows more in a weight's gradient. Rounding errors grow as the root of what is summed, to
 * 6e-8 · √(768 + 256) ≈ 2e-6 and 6e-8 · √8192 ≈ 5e-6 at worst. Losses of a training are those after up to three steps of
 * Adam, which divides by a gradient's own size and so carries a gradient's error into the weights undiminished. The bounds
 * are ten times that: anything but rounding, such as a gate, a bias or a step left out, is a thousand times as much.
 */
export const BOUNDS: Readonly<Record<Job["operation"], number>> = {
  inference: 2e-5,
  "streaming step": 2e-5,
  "forward and backward": 5e-5,
  "training step": 5e-5,
  "private step": 0,
  peak: 0,
};

/** Reads what a worker's `check` has written. */
export function readResults(path: string, { tensors }: Answers["check"]): Numbers {
  const bytes = new Uint8Array(readFileSync(path)).buffer;
  let offset = 0;
  return new Map(
    tensors.map(({ name, length }) => {
      const numbers = new Float32Array(bytes, offset, length);
      offset += numbers.byteLength;
      return [name, numbers];
    }),
  );
}

/** The largest error of a tensor, relative to the reference's largest number. */
export function errorOf(numbers: Float32Array, reference: Float32Array): number {
  if (numbers.length !== reference.length) return Infinity;
  let [difference, largest] = [0, 1e-3];
  for (const [index, expected] of reference.entries()) {
    const distance = Math.abs((numbers[index] ?? NaN) - expected);
    // NaN compares as false with everything: it must not pass.
    if (!(distance <= difference)) difference = Number.isNaN(distance) ? Infinity : distance;
    largest = Math.max(largest, Math.abs(expected));
  }
  return difference / largest;
}

/** What is wrong with the results, in a sentence; undefined if nothing is. */
export function differenceOf(results: Numbers, reference: Numbers, bound: number): string | undefined {
  if (reference.size === 0) return "there is nothing to compare it with";
  for (const [name, expected] of reference) {
    const numbers = results.get(name);
    if (!numbers) return `gives no ${name}`;
    const error = errorOf(numbers, expected);
    if (!(error <= bound)) return `${name} differs by ${error.toExponential(1)}, the bound is ${bound.toExponential(0)}`;
  }
  return undefined;
}
