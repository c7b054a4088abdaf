// From the targets that users hand in to those that the core takes: names to indices, lists to typed arrays. Whether an
// index is a class and a number finite is the core's to judge.

import type { CoreTargets } from "../backend/backend.js";
import { GatewiseError } from "../errors.js";
import type * as core from "../generated/core.js";
import { targetSizeOf } from "../model/predictions.js";
import { assertAllApart, assertFloats, assertUnshared, kindOf } from "./buffers.js";
import type { PreparedSequences } from "./sequences.js";
import { wholeNumbers } from "./whole-numbers.js";

/** The class of a step that has none. */
const NO_CLASS = 0xffff_ffff;

/** What stands beside the sequences. */
export interface GivenTargets {
  readonly targets: unknown;
  readonly weights?: unknown;
}

/** Checks and translates targets and weights. `at` is where they stand among the arguments: `"validation."` or nothing. */
export function prepareTargets(
  data: GivenTargets,
  sequences: PreparedSequences,
  output: core.OutputDefinition,
  at: string,
): CoreTargets {
  const path = `${at}targets`;
  const places = new Places(sequences, output.at === "each", path);
  const targets = output.classes
    ? { classes: classesOf(data.targets, output.classes, places) }
    : { numbers: output.labels ? labelsOf(data.targets, output.labels, places) : valuesOf(data.targets, path) };
  const given = (targets.classes ?? targets.numbers).length;
  const size = targetSizeOf(output);
  if (given !== places.count * size) {
    const each = output.at === "each" ? ` of ${sequences.steps} steps` : "";
    const what = size === 1 ? "one" : String(size);
    const message = `there are ${given} targets for ${sequences.n} samples${each}: give ${what} for each`;
    throw new GatewiseError("shape_mismatch", path, message);
  }
  const { x, statics } = sequences;
  // Tokens and targets may well be two views of one text.
  for (const given of [{ targets: data.targets }, { weights: data.weights }]) assertAllApart({ ...given, x, statics }, at);
  return { ...targets, weights: weightsOf(data.weights, sequences, places, at) };
}

/** Where targets stand: one a sequence, or one a step of each. */
class Places {
  readonly each: boolean;
  readonly path: string;
  readonly #sequences: PreparedSequences;

  constructor(sequences: PreparedSequences, each: boolean, path: string) {
    this.#sequences = sequences;
    this.each = each;
    this.path = path;
  }

  /** Targets in all, those of the padding among them. */
  get count(): number {
    return this.#sequences.n * (this.each ? this.#sequences.steps : 1);
  }

  /** Calls `place` for every target of nested lists that counts. Fails where there is not one for each. */
  forEach(lists: readonly unknown[], place: (index: number, target: unknown, path: string) => void): void {
    const { n, steps, lengths } = this.#sequences;
    if (lists.length !== n) {
      const message = `there are ${lists.length} targets for ${n} samples: give one for each`;
      throw new GatewiseError("shape_mismatch", this.path, message);
    }
    for (let sample = 0; sample < n; sample++) {
      const target = lists[sample];
      const path = `${this.path}[${sample}]`;
      if (!this.each) {
        place(sample, target, path);
        continue;
      }
      const length = Math.min(lengths?.[sample] ?? steps, steps);
      if (!Array.isArray(target) || target.length < length || target.length > steps) {
        const found = Array.isArray(target) ? `there are ${target.length}` : `this is ${kindOf(target)}`;
        const message = `${found}: give a list with a target for each of the ${length} steps of sequence ${sample}`;
        throw new GatewiseError("shape_mismatch", path, message);
      }
      for (let step = 0; step < length; step++) place(sample * steps + step, target[step], `${path}[${step}]`);
    }
  }
}

function classesOf(targets: unknown, classes: readonly string[], places: Places): Uint32Array {
  if (!Array.isArray(targets)) {
    return wholeNumbers(targets, places.path, (index, value) => {
      if (places.each && typeof value === "number" && value < 0) return NO_CLASS;
      throw unknownName(String(value), "class", classes, `${places.path}[${index}]`);
    });
  }
  const indices = new Map<unknown, number>(classes.map((name, index) => [name, index]));
  if (places.each) indices.set(null, NO_CLASS);
  const array = new Uint32Array(places.count).fill(NO_CLASS);
  places.forEach(targets, (place, label, path) => {
    const index = indices.get(label);
    if (index === undefined) throw unknownName(shown(label), "class", classes, path);
    array[place] = index;
  });
  return array;
}

function labelsOf(targets: unknown, labels: readonly string[], places: Places): Float32Array {
  if (!Array.isArray(targets)) {
    if (kindOf(targets) !== "Uint8Array") return valuesOf(targets, places.path);
    assertUnshared(targets as Uint8Array, places.path);
    return Float32Array.from(targets as Uint8Array);
  }
  const indices = new Map<unknown, number>(labels.map((name, index) => [name, index]));
  const array = new Float32Array(places.count * labels.length);
  places.forEach(targets, (place, names, path) => {
    if (!Array.isArray(names)) {
      throw new GatewiseError("invalid_target", path, `give a list of the labels that are there, not ${kindOf(names)}`);
    }
    for (const [position, name] of names.entries()) {
      const index = indices.get(name);
      if (index === undefined) throw unknownName(shown(name), "label", labels, `${path}[${position}]`);
      array[place * labels.length + index] = 1;
    }
  });
  return array;
}

function valuesOf(targets: unknown, path: string): Float32Array {
  assertFloats(targets, path);
  return targets;
}

function weightsOf(
  weights: unknown,
  { n, steps }: PreparedSequences,
  places: Places,
  at: string,
): Float32Array | undefined {
  if (weights === undefined) return undefined;
  const path = `${at}weights`;
  assertFloats(weights, path);
  if (weights.length !== n && weights.length !== places.count) {
    const orSteps = places.each ? `, or ${n * steps}, one for each step` : "";
    const message = `there are ${weights.length} weights for ${n} samples: give one for each${orSteps}`;
    throw new GatewiseError("shape_mismatch", path, message);
  }
  return weights;
}

function shown(name: unknown): string {
  return typeof name === "string" ? JSON.stringify(name) : String(name);
}

function unknownName(found: string, what: "class" | "label", names: readonly string[], path: string): GatewiseError {
  const some = names.slice(0, 10).map((name) => JSON.stringify(name));
  const known = names.length > 10 ? `${some.join(", ")} and ${names.length - 10} more` : some.join(", ");
  const [all, or] =
    what === "class"
      ? ["the classes", "their indices in an integer typed array"]
      : ["the labels", "a Float32Array or Uint8Array of 0 and 1 for each"];
  return new GatewiseError("unknown_class", path, `${found} is not a ${what}: ${all} are ${known} (or ${or})`);
}
