// Labelled series, and what is made of them before a network reads them: other copies of them to train on, and fewer, wider steps.

import type { Random } from "../learning/random.js";
import { normal } from "./random.js";

/** Series of equal length with a class each. */
export interface Series {
  /** [n, steps, channels] */
  readonly x: Float32Array;
  readonly shape: readonly [n: number, steps: number, channels: number];
  /** [n] */
  readonly targets: readonly string[];
}

/** How copies of a series differ from it. All of it is drawn anew for each copy. */
export interface Variation {
  /** How many series there are for each: the first is the series itself. */
  readonly copies: number;
  /** Standard deviation of what is added to each number. */
  readonly jitter: number;
  /** Standard deviation of the logarithm of what all numbers are multiplied with. */
  readonly scale: number;
  /** How far a moment may come to lie from where it was, as a part of the length, by a smooth change of pace. */
  readonly warp: number;
  /** How far the whole may be moved in time, as a part of the length; what is moved out is lost, the ends are held. */
  readonly shift: number;
}

/** How steps are made: each reads `length` numbers of each channel in a row, and the next begins `stride` further on. */
export interface Patches {
  readonly length: number;
  readonly stride: number;
  /** Whether the differences from each number to the next stand beside the numbers. */
  readonly differences: boolean;
}

/** The series of these indices, with all that belongs to the set. */
export function pick<Set extends Series>(set: Set, indices: readonly number[]): Set {
  const { x, shape: [, steps, channels], targets } = set;
  const size = steps * channels;
  const picked = new Float32Array(indices.length * size);
  indices.forEach((from, to) => picked.set(x.subarray(from * size, (from + 1) * size), to * size));
  return { ...set, x: picked, shape: [indices.length, steps, channels], targets: indices.map((index) => targets[index] ?? "") };
}

/** Each series and its copies, one after the other. */
export function varied({ x, shape: [n, steps, channels], targets }: Series, variation: Variation, random: Random): Series {
  const { copies } = variation;
  const size = steps * channels;
  const all = new Float32Array(n * copies * size);
  for (let series = 0; series < n; series++) {
    const original = x.subarray(series * size, (series + 1) * size);
    for (let copy = 0; copy < copies; copy++) {
      const to = all.subarray((series * copies + copy) * size, (series * copies + copy + 1) * size);
      if (copy === 0) to.set(original);
      else vary(original, to, channels, variation, random);
    }
  }
  return { x: all, shape: [n * copies, steps, channels], targets: targets.flatMap((target) => Array<string>(copies).fill(target)) };
}

function vary(from: Float32Array, to: Float32Array, channels: number, { jitter, scale, warp, shift }: Variation, random: Random): void {
  const steps = from.length / channels;
  const factor = Math.exp(scale * normal(random));
  const moved = shift * (2 * random() - 1);
  // Three half waves, zero at both ends.
  const waves = [1, 2, 3].map((wave) => (warp * (2 * random() - 1)) / wave);
  for (let step = 0; step < steps; step++) {
    const time = step / (steps - 1);
    const bent = waves.reduce((sum, size, wave) => sum + size * Math.sin(Math.PI * (wave + 1) * time), time + moved);
    const place = Math.min(1, Math.max(0, bent)) * (steps - 1);
    const before = Math.min(steps - 2, Math.floor(place));
    for (let channel = 0; channel < channels; channel++) {
      const [a = 0, b = 0] = [from[before * channels + channel], from[(before + 1) * channels + channel]];
      to[step * channels + channel] = factor * (a + (b - a) * (place - before)) + jitter * normal(random);
    }
  }
}

/** Fewer, wider steps. What is left at the end and fills no step is not read. */
export function patched({ x, shape: [n, steps, channels], targets }: Series, { length, stride, differences }: Patches): Series {
  const count = Math.floor((steps - length) / stride) + 1;
  const width = length * channels;
  const features = differences ? 2 * width : width;
  const patches = new Float32Array(n * count * features);
  for (let patch = 0; patch < n * count; patch++) {
    const series = x.subarray(Math.floor(patch / count) * steps * channels).subarray(0, steps * channels);
    const start = (patch % count) * stride * channels;
    const to = patches.subarray(patch * features, (patch + 1) * features);
    to.set(series.subarray(start, start + width));
    if (differences) to.set(differencesOf(series, start, channels, width), width);
  }
  return { x: patches, shape: [n, count, features], targets };
}

/** From each number to the next one of its channel; the series' last numbers have none, and differ by 0. */
function differencesOf(series: Float32Array, start: number, channels: number, width: number): Float32Array {
  return Float32Array.from({ length: width }, (_, index) => {
    const value = series[start + index] ?? 0;
    return (series[start + index + channels] ?? value) - value;
  });
}
