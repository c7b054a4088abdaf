// How far numbers are from those that they should be.

/** `max|a − b| / max(least, max|b|)` over a tensor, `least` as design.md has it unless given: infinite where a number that is not finite meets another one. */
export function errorOf(actual: Float32Array, expected: Float64Array, least = 1e-3): number {
  if (actual.length !== expected.length) throw new Error(`${actual.length} numbers are not ${expected.length}`);
  let [difference, size] = [0, least];
  for (let index = 0; index < expected.length; index++) {
    const [a, b] = [actual[index] ?? Number.NaN, expected[index] ?? Number.NaN];
    difference = Math.max(difference, Number.isNaN(a - b) ? Infinity : Math.abs(a - b));
    size = Math.max(size, Math.abs(b));
  }
  return difference / size;
}

/** A tensor of a result and how far it is off. */
export interface Measured {
  readonly tensor: string;
  readonly error: number;
}
