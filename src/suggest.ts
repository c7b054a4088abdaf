// What someone may have meant who wrote a name that there is not. Knows nothing of what the names are for.

/** Edits, of a letter each, that are still a slip of the pen. */
const FARTHEST = 2;

/** Of `known`, the name nearest to `written`, if it is near. */
export function nearest(written: string, known: readonly string[]): string | undefined {
  const distances = known.map((name) => [distance(written.toLowerCase(), name.toLowerCase()), name] as const);
  const [best] = distances.toSorted(([a], [b]) => a - b);
  const farthest = Math.min(FARTHEST, Math.floor(written.length / 2));
  return best && best[0] <= farthest ? best[1] : undefined;
}

/** ` Did you mean …?`, or nothing. */
export function didYouMean(written: string, known: readonly string[]): string {
  const name = nearest(written, known);
  return name === undefined ? "" : `: did you mean "${name}"?`;
}

/** Letters to insert, drop, replace or swap with their neighbour (Damerau 1964, each letter once). */
function distance(a: string, b: string): number {
  let [before, last] = [[] as number[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(before, j - 2) + 1 : Infinity;
      row.push(Math.min(at(row, j - 1) + 1, at(last, j) + 1, replaced, swapped));
    }
    [before, last] = [last, row];
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}
