// Shapes of tensors: lists of sizes, the outermost first. Knows no numbers.

/** How many numbers a tensor of this shape has: 1 without sizes, 0 where any of them is, however large the others. */
export function countOf(shape: readonly number[]): number {
  return shape.includes(0) ? 0 : shape.reduce((product, size) => product * size, 1);
}

/** Whether both have the same sizes. */
export function isSameShape(a: readonly number[] | undefined, b: readonly number[]): boolean {
  return a?.length === b.length && a.every((size, index) => size === b[index]);
}
