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

/** The series of these indices. */
export function pick({ x, shape: [, steps, channels], targets }: Series, indices: readonly number[]): Series {
  const size = steps * channels;
  const picked = new Float32Array(indices.length * size);
  indices.forEach((from, to) => picked.set(x.subarray(from * size, (from + 1) * size), to * size));
  return { x: picked, shape: [indices.length, steps, channels], targets: indices.map((index) => targets[index] ?? "") };
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
      else vary(original, to, steps, channels, variation, random);
    }
  }
  return { x: all, shape: [n * copies, steps, channels], targets: targets.flatMap((target) => Array<string>(copies).fill(target)) };
}

function vary(from: Float32Array, to: Float32Array, steps: number, channels: number, { jitter, scale, warp, shift }: Variation, random: Random): void {
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
  for (let series = 0; series < n; series++) {
    for (let patch = 0; patch < count; patch++) {
      const start = (series * steps + patch * stride) * channels;
      const to = (series * count + patch) * features;
      for (let index = 0; index < width; index++) {
        const value = x[start + index] ?? 0;
        patches[to + index] = value;
        // The series' last number has no next one.
        const next = patch * stride * channels + index + channels < steps * channels ? (x[start + index + channels] ?? value) : value;
        if (differences) patches[to + width + index] = next - value;
      }
    }
  }
  return { x: patches, shape: [n, count, features], targets };
}
