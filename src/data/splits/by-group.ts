// Splits that keep groups whole: what is tested is of groups that nobody has learned from. Knows nothing of time.

import { GatewiseError } from "../../errors.js";
import type { GroupId } from "../pipeline/groups.js";
import { type Fold, type Parts, type Splittable, assertFilled, assertShare, assertWhole, rising } from "./parts.js";
import { randomBelow, shuffle } from "./random.js";

/** Which groups: a share of them, drawn by the seed; a list; or those for which it is true. */
export type GroupChoice = number | readonly GroupId[] | ((group: GroupId) => boolean);

export interface GroupSplitOptions {
  readonly test?: GroupChoice | undefined;
  readonly validation?: GroupChoice | undefined;
  /** What shares are drawn by. 0 unless given. */
  readonly seed?: number | undefined;
}

/**
 * Training, validation and test, each with groups of its own.
 *
 * @param samples what a pipeline gave, or {@link rowKeys} of a table
 * @throws {GatewiseError} `invalid_option`, also for a group that two parts ask for; `empty_data` for a part without a sample
 *
 * @example
 * ```ts
 * const keys = rowKeys(table, { group: "customer" });
 * const { training, validation } = splitByGroup(keys, { validation: 0.2, seed: 7 });
 * const fitted = pipeline.fit(selectRows(table, training));
 * ```
 */
export function splitByGroup(samples: Splittable, { test, validation, seed = 0 }: GroupSplitOptions): Parts {
  const groups = [...new Set(samples.groups)];
  const chosenForTest = chooser(groups, test, "test", seed);
  const rest = groups.filter((group) => !chosenForTest(group));
  // A share is one of all groups, also where some are taken already.
  const share = typeof validation === "number" ? (validation * groups.length) / rest.length : validation;
  if (typeof validation === "number") assertShare(validation, "validation");
  const chosenForValidation = chooser(typeof validation === "number" ? rest : groups, share, "validation", seed + 1);
  const parts: Record<keyof Parts, number[]> = { training: [], validation: [], test: [] };
  for (const [sample, group] of samples.groups.entries()) {
    const [inTest, inValidation] = [chosenForTest(group), chosenForValidation(group)];
    if (inTest && inValidation) {
      throw new GatewiseError("invalid_option", "validation", `group ${JSON.stringify(group)} is asked for by test and validation: give it to one`);
    }
    parts[inTest ? "test" : inValidation ? "validation" : "training"].push(sample);
  }
  const indices = { training: rising(parts.training), validation: rising(parts.validation), test: rising(parts.test) };
  assertFilled(indices.training, "training", "leave some groups to it");
  if (test !== undefined) assertFilled(indices.test, "test", "choose groups that there are");
  if (validation !== undefined) assertFilled(indices.validation, "validation", "choose groups that there are");
  return indices;
}

function chooser(groups: readonly GroupId[], choice: GroupChoice | undefined, path: string, seed: number): (group: GroupId) => boolean {
  if (choice === undefined) return () => false;
  if (typeof choice === "function") return choice;
  if (typeof choice === "number") {
    if (path === "test") assertShare(choice, path);
    const drawn = shuffle([...groups], randomBelow(seed)).slice(0, Math.max(1, Math.round(choice * groups.length)));
    return chooser(groups, drawn, path, seed);
  }
  const chosen = new Set(choice);
  const unknown = [...chosen].find((group) => !groups.includes(group));
  if (unknown === undefined) return (group) => chosen.has(group);
  throw new GatewiseError("invalid_option", path, `${path} asks for the group ${JSON.stringify(unknown)}, which there is not`);
}

export interface GroupedKFoldOptions {
  readonly folds: number;
  /** Shuffles groups before they are dealt out; they are dealt by size alone unless given. */
  readonly seed?: number | undefined;
}

/**
 * Folds that test every group once, of about as many samples: the largest group goes to the smallest fold, and so on. Without a
 * seed as scikit-learn's `GroupKFold`, but for groups of equal size.
 *
 * @param samples what a pipeline gave, or {@link rowKeys} of a table
 * @throws {GatewiseError} `invalid_option`; `empty_data` with fewer groups than folds
 */
export function groupedKFold({ groups }: Splittable, { folds, seed }: GroupedKFoldOptions): Fold[] {
  assertWhole(folds, 2, "folds");
  const members = new Map<GroupId, number[]>();
  for (const [sample, group] of groups.entries()) {
    const list = members.get(group);
    if (list) list.push(sample);
    else members.set(group, [sample]);
  }
  if (members.size < folds) throw new GatewiseError("empty_data", "folds", `${members.size} groups are too few for ${folds} folds`);
  const lists = [...members.values()];
  if (seed !== undefined) shuffle(lists, randomBelow(seed));
  const tests: number[][] = Array.from({ length: folds }, () => []);
  for (const list of lists.toSorted((a, b) => b.length - a.length)) {
    const least = Math.min(...tests.map((test) => test.length));
    const lightest = tests.find((test) => test.length === least) as number[];
    for (const sample of list) lightest.push(sample);
  }
  return tests.map((test) => foldOf(test, groups.length));
}

/** A test, and everything else. */
export function foldOf(test: readonly number[], n: number): Fold {
  const inTest = new Uint8Array(n);
  for (const sample of test) inTest[sample] = 1;
  const training: number[] = [];
  for (let sample = 0; sample < n; sample++) if (inTest[sample] === 0) training.push(sample);
  return { training: Uint32Array.from(training), test: rising(test) };
}
