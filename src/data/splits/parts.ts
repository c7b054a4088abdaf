// What all splits have in common: what is split, and into what. Indices, so that one split serves arrays and tables alike.

import { GatewiseError } from "../../errors.js";
import type { GroupId } from "../pipeline/groups.js";

/** What can be split: a pipeline's samples, or a table's rows as {@link rowKeys} gives them. */
export interface Splittable {
  /** [n] */
  readonly groups: readonly GroupId[];
  /** [n] Milliseconds since 1970, or other numbers that order. */
  readonly times: Float64Array;
  /** [n] Until when each target looks; `times` unless given. */
  readonly until?: Float64Array | undefined;
  /** [n] What is to be predicted. */
  readonly targets?: unknown;
}

/** Indices of samples, rising. */
export interface Parts {
  readonly training: Uint32Array;
  /** Empty where none was asked for. */
  readonly validation: Uint32Array;
  readonly test: Uint32Array;
}

/** One of several splits of the same samples. */
export interface Fold {
  readonly training: Uint32Array;
  readonly test: Uint32Array;
}

export function rising(indices: readonly number[]): Uint32Array {
  return Uint32Array.from(indices).sort();
}

/** A part of all, above 0 and below 1. */
export function assertShare(share: number, path: string): void {
  if (typeof share === "number" && share > 0 && share < 1) return;
  throw new GatewiseError("invalid_option", path, `${path} must be a share of the samples above 0 and below 1, not ${share}`);
}

export function assertWhole(value: number, least: number, path: string): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new GatewiseError("invalid_option", path, `${path} must be a whole number from ${least} on, not ${value}`);
}

/** Fails where a part that was asked for holds nothing. */
export function assertFilled(part: Uint32Array, path: string, remedy: string): void {
  if (part.length === 0) throw new GatewiseError("empty_data", path, `${path} would be empty: ${remedy}`);
}

/** The samples' times, or an error where they have none. */
export function timesFor({ times }: Splittable): Float64Array {
  const missing = times.findIndex(Number.isNaN);
  if (missing < 0) return times;
  throw new GatewiseError("invalid_data", `times[${missing}]`, `sample ${missing} has no time: name its column in the pipeline, or split by group`);
}
