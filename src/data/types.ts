// What users hand in: sequences and their classes. Types only.

/** Anything that holds whole numbers: one valid length a sequence. */
export type Lengths = Uint32Array | Int32Array | Uint16Array | Uint8Array | readonly number[];

/** Class indices, counted from 0 in the order of the definition's classes. */
export type ClassIndices = Uint8Array | Uint16Array | Uint32Array | Int8Array | Int16Array | Int32Array;

/**
 * A batch of sequences, padded at the end to the same number of steps.
 *
 * @example
 * ```ts
 * // Two sequences of up to three steps with one feature: [1, 2, 3] and [4].
 * const sequences = { x: new Float32Array([1, 2, 3, 4, 0, 0]), shape: [2, 3, 1], lengths: [3, 1] };
 * ```
 */
export interface Sequences {
  /** [n, steps, features], row-major. Finite wherever a step counts; what stands in the padding does not matter. */
  readonly x: Float32Array;
  /** The sizes of `x`: sequences, steps, features a step. */
  readonly shape: readonly [n: number, steps: number, features: number];
  /** [n] How many steps of each sequence count, from 1 to `steps`. All of them unless given. */
  readonly lengths?: Lengths | undefined;
}

/** Sequences and the class of each. */
export interface LabelledData<Label extends string = string> extends Sequences {
  /** [n] The class of each sequence: names, or indices in an integer typed array. */
  readonly targets: readonly Label[] | ClassIndices;
}
