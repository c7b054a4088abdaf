// Draws trials out of a space. Every number depends on the seed, the trial and the parameter's name alone, so that neither
// the number of workers nor another parameter in the space changes it.

import { createHash } from "node:crypto";

import type { Dimension, Parameters, Space } from "./space.js";

/** How often a trial is drawn anew that was drawn before: when that does not help, the space has little else. */
const ATTEMPTS = 100;

/**
 * Up to `count` trials, no two alike: fewer where the space has no more, as a small one of choices.
 *
 * @param seed of all that is drawn
 */
export function drawTrials(space: Space, count: number, seed: number): Parameters[] {
  const drawn = new Map<string, Parameters>();
  for (let trial = 0; trial < count; trial++) {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const parameters = drawTrial(space, [seed, trial, attempt]);
      const key = JSON.stringify(parameters);
      if (drawn.has(key)) continue;
      drawn.set(key, parameters);
      break;
    }
  }
  return [...drawn.values()];
}

function drawTrial(space: Space, stream: readonly number[]): Parameters {
  const entries = Object.entries(space).map(([name, dimension]) => [name, valueAt(dimension, uniform([...stream, name]))]);
  return Object.fromEntries(entries) as Parameters;
}

/** The value at `u`, from 0 to below 1, of a dimension. */
export function valueAt(dimension: Dimension, u: number): Parameters[string] {
  if ("choice" in dimension) return dimension.choice[Math.floor(u * dimension.choice.length)] ?? null;
  if ("uniform" in dimension) return between(dimension.uniform, u);
  if ("logUniform" in dimension) return logBetween(dimension.logUniform, u);
  const [from, to] = dimension.integer;
  const value = (dimension.scale === "log" ? logBetween : between)([from, to + 1], u);
  return Math.min(Math.floor(value), to);
}

function between([from, to]: readonly [number, number], u: number): number {
  return from + u * (to - from);
}

/** Kept within the ends, which rounding may cross. */
function logBetween([from, to]: readonly [number, number], u: number): number {
  const value = Math.exp(between([Math.log(from), Math.log(to)], u));
  return Math.min(Math.max(value, from), to);
}

/** A number from 0 to below 1: the first 48 bits of what SHA-256 makes of the stream's name. */
function uniform(stream: readonly (string | number)[]): number {
  return createHash("sha256").update(JSON.stringify(stream)).digest().readUIntBE(0, 6) / 2 ** 48;
}
