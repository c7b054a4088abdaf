// Splits that keep the proportions of the classes. Knows nothing of groups and time.

import { GatewiseError } from "../../errors.js";
import { kindOf } from "../buffers.js";
import { foldOf } from "./by-group.js";
import { type Fold, type Parts, type Splittable, assertFilled, assertShare, assertWhole, rising } from "./parts.js";
import { randomBelow, shuffle } from "./random.js";

export interface StratifiedSplitOptions {
  /** The share of the samples that the test gets. */
  readonly test?: number | undefined;
  readonly validation?: number | undefined;
  /** What samples are drawn by. 0 unless given. */
  readonly seed?: number | undefined;
}

/**
 * Training, validation and test, drawn at random, each with the classes in the proportions of all, as near as whole samples
 * come: in each part, a class has within one sample of its share.
 *
 * @param samples with `targets` of classes: names or indices
 * @throws {GatewiseError} `invalid_option`; `empty_data` for a part without a sample; `invalid_target` where targets are no classes
 *
 * @example
 * ```ts
 * const { training, test } = splitStratified(prepared, { test: 0.2, seed: 7 });
 * ```
 */
export function splitStratified(samples: Splittable, { test = 0, validation = 0, seed = 0 }: StratifiedSplitOptions): Parts {
  if (test !== 0) assertShare(test, "test");
  if (validation !== 0) assertShare(validation, "validation");
  if (test + validation >= 1) throw new GatewiseError("invalid_option", "test", "test and validation must leave something to training");
  const classes = membersOf(samples.targets);
  const below = randomBelow(seed);
  const sizes = classes.map((members) => members.length);
  const held = dealOut(sizes, test + validation);
  const forTest = divide(sizes, held, test, validation);
  const parts: Record<keyof Parts, number[]> = { training: [], validation: [], test: [] };
  for (const [index, members] of classes.entries()) {
    const [first, second] = [forTest[index] as number, held[index] as number];
    shuffle(members, below);
    parts.test.push(...members.slice(0, first));
    parts.validation.push(...members.slice(first, second));
    parts.training.push(...members.slice(second));
  }
  const indices = { training: rising(parts.training), validation: rising(parts.validation), test: rising(parts.test) };
  assertFilled(indices.training, "training", "leave more samples to it");
  if (test !== 0) assertFilled(indices.test, "test", "give it a larger share");
  if (validation !== 0) assertFilled(indices.validation, "validation", "give it a larger share");
  return indices;
}

/** How many of each class make a share of all: rounded down, and what is left over to the largest remainders. */
function dealOut(sizes: readonly number[], share: number): number[] {
  const exact = sizes.map((size) => exactly(share * size));
  const wanted = Math.round(exactly(share * total(sizes)));
  return topUp(exact.map(Math.floor), exact, wanted, (index) => exact[index] !== Math.floor(exact[index] as number));
}

/** Of those held out, how many of each class the test gets: so that neither part is a whole sample from its share. */
function divide(sizes: readonly number[], held: readonly number[], test: number, validation: number): number[] {
  const exact = sizes.map((size) => exactly(test * size));
  const fits = (index: number, count: number) =>
    Math.abs(count - (exact[index] as number)) < 1 &&
    Math.abs((held[index] as number) - count - exactly(validation * (sizes[index] as number))) < 1;
  const counts = exact.map((share, index) => (fits(index, Math.floor(share)) ? Math.floor(share) : Math.ceil(share)));
  return topUp(counts, exact, Math.round(exactly(test * total(sizes))), (index) => fits(index, (counts[index] as number) + 1));
}

/** Adds one each, where there is room and the largest remainders first, until the counts sum up to `wanted`. */
function topUp(counts: readonly number[], exact: readonly number[], wanted: number, hasRoom: (index: number) => boolean): number[] {
  const remainder = (index: number) => (exact[index] as number) - (counts[index] as number);
  const order = [...counts.keys()].filter(hasRoom).sort((a, b) => remainder(b) - remainder(a));
  const chosen = new Set(order.slice(0, Math.max(0, wanted - total(counts))));
  return counts.map((count, index) => count + (chosen.has(index) ? 1 : 0));
}

/** Without the last digits of binary fractions: 0.1 · 30 is 3. */
function exactly(share: number): number {
  return Math.round(share * 1e9) / 1e9;
}

function total(counts: readonly number[]): number {
  return counts.reduce((a, b) => a + b, 0);
}

export interface StratifiedKFoldOptions {
  readonly folds: number;
  /** Shuffles each class before it is dealt out; samples stay in their order unless given. */
  readonly seed?: number | undefined;
}

/**
 * Folds that test every sample once, each with the classes in the proportions of all. Without a seed as scikit-learn's
 * `StratifiedKFold`.
 *
 * @param samples with `targets` of classes: names or indices
 * @throws {GatewiseError} `invalid_option`; `empty_data` where a class has fewer samples than there are folds; `invalid_target`
 */
export function stratifiedKFold({ targets }: Splittable, { folds, seed }: StratifiedKFoldOptions): Fold[] {
  assertWhole(folds, 2, "folds");
  const classes = membersOf(targets);
  const least = Math.min(...classes.map((members) => members.length));
  if (least < folds) throw new GatewiseError("empty_data", "folds", `a class has ${least} samples, too few for ${folds} folds: ask for fewer`);
  const n = total(classes.map((members) => members.length));
  const tests: number[][] = Array.from({ length: folds }, () => []);
  let place = 0;
  for (const members of classes) {
    // Were all samples in the order of classes, every folds-th of them would be a fold's: that many of each class it gets.
    const counts = countsOf(place, members.length, folds);
    place += members.length;
    const order = seed === undefined ? members : shuffle(members, randomBelow(seed + (members[0] ?? 0)));
    let next = 0;
    for (const [fold, count] of counts.entries()) for (const end = next + count; next < end; next++) tests[fold]?.push(order[next] as number);
  }
  return tests.map((test) => foldOf(test, n));
}

/** How many of so many places from `first` on fall to each fold, dealt out in turn. */
function countsOf(first: number, places: number, folds: number): number[] {
  const before = (end: number, fold: number) => Math.floor((end + folds - 1 - fold) / folds);
  return Array.from({ length: folds }, (_, fold) => before(first + places, fold) - before(first, fold));
}

/** The samples of each class, in order of first appearance. */
function membersOf(targets: unknown): number[][] {
  const list = targets as ArrayLike<unknown>;
  const integers = /^(Ui|I)nt(8|16|32)Array$/.test(kindOf(targets));
  if (!integers && !(Array.isArray(targets) && targets.every((target) => typeof target === "string"))) {
    const message = "the classes of samples are wanted, as names or whole numbers: split values by time or group";
    throw new GatewiseError("invalid_target", "targets", message);
  }
  const members = new Map<unknown, number[]>();
  for (let sample = 0; sample < list.length; sample++) {
    const known = members.get(list[sample]);
    if (known) known.push(sample);
    else members.set(list[sample], [sample]);
  }
  if (members.size === 0) throw new GatewiseError("empty_data", "targets", "there is no sample: give at least one");
  return [...members.values()];
}
