// Categories as numbers: their list, which the training part decides, and each step's place in it. Knows nothing of windows.

import type { CategoryColumn } from "../table.js";
import { sorted } from "./columns.js";

/** The categories among the codes at `covered` places, sorted; a definition's own come first of all. */
export function fitCategories(column: CategoryColumn, covered: Uint8Array, given: readonly string[] | undefined): string[] {
  if (given !== undefined) return [...given];
  const seen = new Set<number>();
  for (let i = 0; i < covered.length; i++) if (covered[i] === 1) seen.add(column.codes[i] as number);
  seen.delete(-1);
  return sorted([...seen].map((code) => column.names[code] as string));
}

/** [names] The place of each of a column's names among the categories; `other` for those that are none. */
export function placesOf(names: readonly string[], categories: readonly string[], other: number): Int32Array {
  const places = new Map(categories.map((name, place) => [name, place]));
  return Int32Array.from(names, (name) => places.get(name) ?? other);
}
