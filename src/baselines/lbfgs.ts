// The minimum of a smooth convex function by limited-memory BFGS (Liu and Nocedal 1989; Nocedal and Wright, Numerical
// Optimization, 2nd ed., algorithm 7.4). Knows nothing of what is minimised.

/** A value, and the gradient at the same place. */
export interface Slope {
  readonly value: number;
  readonly gradient: Float64Array;
}

/** How far to go. */
export interface MinimiseOptions {
  /** Ends where no number of the gradient is larger. */
  readonly tolerance: number;
  readonly iterations: number;
  /** Called before each iteration; may wait, or end all by throwing. */
  readonly before?: (() => Promise<void> | void) | undefined;
}

/** Changes of place and gradient that the curvature is read from. */
const MEMORY = 10;

/** The place of the minimum, from `start` on. */
export async function minimise(of: (place: Float64Array) => Slope, start: Float64Array, options: MinimiseOptions): Promise<Float64Array> {
  let place = start;
  let slope = of(place);
  const changes: Change[] = [];
  for (let iteration = 0; iteration < options.iterations; iteration++) {
    await options.before?.();
    if (slope.gradient.every((g) => Math.abs(g) <= options.tolerance)) break;
    const direction = descent(slope.gradient, changes);
    const next = search(of, place, slope, direction);
    if (!next) break; // no step is small enough to go further down: rounding is all that is left
    // Nothing but rounding is left to win: 64 units in the last place, as in SciPy.
    if (slope.value - next.slope.value <= 64 * Number.EPSILON * Math.max(1, Math.abs(slope.value))) return next.place;
    const change = { place: minus(next.place, place), gradient: minus(next.slope.gradient, slope.gradient) };
    if (dot(change.place, change.gradient) > 0) changes.push(change);
    if (changes.length > MEMORY) changes.shift();
    ({ place, slope } = next);
  }
  return place;
}

interface Change {
  readonly place: Float64Array;
  readonly gradient: Float64Array;
}

/** The two loops: −H g, where H is the inverse of the curvature that the changes show. */
function descent(gradient: Float64Array, changes: readonly Change[]): Float64Array {
  const direction = gradient.map((g) => -g);
  const factors = changes.map(() => 0);
  for (const [back, change] of changes.toReversed().entries()) {
    const factor = dot(change.place, direction) / dot(change.place, change.gradient);
    factors[changes.length - 1 - back] = factor;
    add(direction, change.gradient, -factor);
  }
  const last = changes.at(-1);
  const scale = last ? dot(last.place, last.gradient) / dot(last.gradient, last.gradient) : 1 / Math.max(1, Math.sqrt(dot(gradient, gradient)));
  direction.forEach((d, i) => (direction[i] = d * scale));
  for (const [n, change] of changes.entries()) {
    const factor = dot(change.gradient, direction) / dot(change.place, change.gradient);
    add(direction, change.place, (factors[n] as number) - factor);
  }
  return direction;
}

/** Half and half again until the value falls by a part of what the slope promises (Armijo). */
function search(of: (place: Float64Array) => Slope, place: Float64Array, slope: Slope, direction: Float64Array) {
  const promise = dot(slope.gradient, direction);
  for (let step = 1; step > 1e-12; step /= 2) {
    const candidate = place.map((p, i) => p + step * (direction[i] as number));
    const reached = of(candidate);
    if (reached.value <= slope.value + 1e-4 * step * promise) return { place: candidate, slope: reached };
  }
  return undefined;
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
}

function minus(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value - (b[i] as number));
}

function add(target: Float64Array, source: Float64Array, factor: number): void {
  source.forEach((value, i) => (target[i] = (target[i] as number) + factor * value));
}
