// What the readers of common sets give: what `fit` takes, with the names of the classes.

/** Sequences of numbers, each with its class: what `fit`, `evaluate` and `predict` take, as it is. */
export interface LabelledSet {
  /** [n, steps, features], padded at the end with zeros. */
  readonly x: Float32Array<ArrayBuffer>;
  readonly shape: readonly [n: number, steps: number, features: number];
  /** [n] How many steps of each count. */
  readonly lengths: Uint32Array<ArrayBuffer>;
  /** [n] The class of each, by name. */
  readonly targets: readonly string[];
  /** Every class there is, for the definition's `output`. */
  readonly classes: readonly string[];
}

/** Images as sequences of their rows, each with its class. */
export interface ImageSet extends LabelledSet {
  /** How bytes became numbers: (byte − mean) / deviation. Give it to the reader of the test part. */
  readonly scaling: { readonly mean: number; readonly deviation: number };
}
