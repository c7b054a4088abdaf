// The seeded generator of splits. Not the core's: what is drawn here is which samples go where, before there is a model.

/** Whole numbers below `bound` that depend on the seed alone: splitmix32, whose 32 bits are enough for shuffling. */
export function randomBelow(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return Math.floor((((z ^ (z >>> 16)) >>> 0) / 2 ** 32) * bound);
  };
}

/** Shuffles in place (Fisher and Yates). */
export function shuffle<T>(list: T[], below: (bound: number) => number): T[] {
  for (let last = list.length - 1; last > 0; last--) {
    const other = below(last + 1);
    [list[last], list[other]] = [list[other] as T, list[last] as T];
  }
  return list;
}
