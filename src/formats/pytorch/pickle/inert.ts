// The last look at what a pickle made: only inert values, no cycles, no depth that would overflow the stack of whoever goes
// through it. Shared parts are looked at once, however often they are shared.

import { Global, NumpyType, type Operand, StorageView, describe } from "./operands.js";
import type { PyTorchValue } from "../value.js";

/** Levels of lists and dictionaries: Python's own pickler cannot write more. */
export const DEEPEST = 1000;

/** What is wrong with a value. */
export type Defect = { readonly unsafe: string } | { readonly damaged: string };

interface Visit {
  readonly container: Operand;
  readonly inside: Iterator<Operand>;
  /** Levels in it so far, its own among them. */
  height: number;
}

function* partsOf(container: Operand): Generator<Operand> {
  if (Array.isArray(container)) yield* container;
  else if (container instanceof Map) {
    for (const [key, value] of container) {
      yield key;
      yield value;
    }
  }
}

function isContainer(operand: Operand): boolean {
  return Array.isArray(operand) || operand instanceof Map;
}

function defectOf(operand: Operand): Defect | undefined {
  if (operand instanceof Global) return { unsafe: `its pickle holds ${operand.title} itself, which is no data: nothing was loaded` };
  if (operand instanceof StorageView || operand instanceof NumpyType) {
    return { damaged: `it holds ${describe(operand)} by itself: save tensors and plain values` };
  }
  return undefined;
}

/** What keeps an operand from being an inert value; undefined where nothing does. */
export function findDefect(root: Operand): Defect | undefined {
  /** Levels in each container; none while it is being looked at. */
  const heights = new Map<Operand, number | undefined>();
  const path: Visit[] = [];
  const enter = (container: Operand) => {
    heights.set(container, undefined);
    path.push({ container, inside: partsOf(container), height: 1 });
  };
  if (!isContainer(root)) return defectOf(root);
  enter(root);
  for (let visit = path.at(-1); visit; visit = path.at(-1)) {
    const { done, value } = visit.inside.next();
    if (done) {
      path.pop();
      heights.set(visit.container, visit.height);
      const outer = path.at(-1);
      if (outer) outer.height = Math.max(outer.height, visit.height + 1);
    } else if (!isContainer(value)) {
      const defect = defectOf(value);
      if (defect) return defect;
    } else if (heights.has(value)) {
      const height = heights.get(value);
      if (height === undefined) return { damaged: "it holds a list or dictionary that holds itself" };
      visit.height = Math.max(visit.height, height + 1);
    } else enter(value);
    if (path.length > DEEPEST || visit.height > DEEPEST) return { damaged: `its lists and dictionaries are nested more than ${DEEPEST} deep` };
  }
  return undefined;
}

/** An operand that has no defect is a value. */
export function asValue(operand: Operand): PyTorchValue {
  return operand as PyTorchValue;
}
