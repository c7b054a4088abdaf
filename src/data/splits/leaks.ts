// Whether parts of the data know of each other what they should not: groups and times that cross a split, and scalers that have
// seen the test. Looks at origins alone, not at numbers.

import type { GroupId } from "../pipeline/groups.js";
import type { FittedOn } from "../pipeline/prepared.js";
import type { Splittable } from "./parts.js";

/** A part of the data, as a pipeline gives it. */
export interface Part extends Splittable {
  readonly fittedOn?: FittedOn | undefined;
}

/** What is looked at. */
export interface LeakParts {
  readonly training: Part;
  readonly validation?: Part | undefined;
  readonly test?: Part | undefined;
}

export interface LeakOptions {
  /**
   * What the parts are to be apart by: groups, where the question is about groups that nobody has seen; times, where it is about
   * the future of those that are known. Both unless given.
   */
  readonly by?: "group" | "time" | "both" | undefined;
  /** Told of each finding; `console.warn` unless given. */
  readonly warn?: ((message: string) => void) | undefined;
}

/** Something that crosses a split. */
export interface Leak {
  /** `"group"`: groups are in both parts. `"time"`: targets look into the later part. `"scaler"`: what was fitted has seen it. */
  readonly kind: "group" | "time" | "scaler";
  /** The earlier part, and the one that it knows of. */
  readonly parts: readonly [keyof LeakParts, keyof LeakParts];
  /** How many groups, of `"time"` how many samples. */
  readonly count: number;
  /** Some of the groups, of `"time"` of the samples' indices. */
  readonly examples: readonly (GroupId | number)[];
  /** What it is and what to do about it, as a sentence. */
  readonly message: string;
}

const MOST_EXAMPLES = 5;

/**
 * Looks for what crosses a split, and warns of it.
 *
 * @param parts what pipelines gave, or {@link rowKeys} of tables
 * @returns what was found; empty if nothing was
 *
 * @example
 * ```ts
 * checkLeaks({ training, validation }, { by: "group" }); // other customers, the same weeks
 * checkLeaks({ training, test }, { by: "time" }); // the same customers, later
 * ```
 */
export function checkLeaks(parts: LeakParts, { by = "both", warn = console.warn }: LeakOptions = {}): Leak[] {
  const pairs = [
    ["training", "validation"],
    ["training", "test"],
    ["validation", "test"],
  ] as const;
  const found = pairs.flatMap(([earlier, later]) => {
    const [before, after] = [parts[earlier], parts[later]];
    if (before === undefined || after === undefined) return [];
    const names = [earlier, later] as const;
    return [
      by === "time" ? undefined : sharedGroups(names, before, after),
      by === "group" ? undefined : targetsInto(names, before, after),
      earlier === "training" ? fittedOnLater(names, before, after) : undefined,
    ].filter((leak) => leak !== undefined);
  });
  for (const { message } of found) warn(message);
  return found;
}

type Names = Leak["parts"];

function sharedGroups(parts: Names, before: Part, after: Part): Leak | undefined {
  const known = new Set(before.groups);
  const shared = [...new Set(after.groups)].filter((group) => known.has(group));
  const message = `${shared.length} groups are in ${parts[0]} and in ${parts[1]}: split by group, or check by: "time" if they are to be known`;
  return leak("group", parts, shared, message);
}

/** The earlier part's targets must be known when the later part's are asked for. */
function targetsInto(parts: Names, before: Part, after: Part): Leak | undefined {
  const asked = after.times.reduce((least, time) => Math.min(least, time), Infinity);
  const beyond: number[] = [];
  for (const [sample, time] of (before.until ?? before.times).entries()) if (time > asked) beyond.push(sample);
  const when = Number.isFinite(asked) ? new Date(asked).toISOString().slice(0, 16) : "";
  const message =
    `${beyond.length} targets of ${parts[0]} look beyond ${when}, where ${parts[1]} begins: split by time, or check by: "group" if the ` +
    `same times are to be in both`;
  return leak("time", parts, beyond, message);
}

/** Scalers may have seen a later part's group up to where the training's inputs of it end, and no further. */
function fittedOnLater(parts: Names, training: Part, later: Part): Leak | undefined {
  const { fittedOn } = later.fittedOn === undefined ? training : later;
  if (fittedOn === undefined) return undefined;
  const ends = new Map<GroupId, number>();
  for (const [sample, group] of training.groups.entries()) {
    ends.set(group, Math.max(ends.get(group) ?? -Infinity, training.times[sample] as number));
  }
  const seen = [...new Set(later.groups)].filter((group) => (fittedOn.get(group) ?? -Infinity) > (ends.get(group) ?? -Infinity));
  const message =
    `the scalers and encoders were fitted on rows of ${seen.length} groups of ${parts[1]} that ${parts[0]} does not have: ` +
    `fit the pipeline on ${parts[0]} alone`;
  return leak("scaler", parts, seen, message);
}

function leak(kind: Leak["kind"], parts: Names, found: readonly (GroupId | number)[], message: string): Leak | undefined {
  if (found.length === 0) return undefined;
  return { kind, parts, count: found.length, examples: found.slice(0, MOST_EXAMPLES), message };
}
