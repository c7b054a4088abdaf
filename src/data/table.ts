// What every reader of `gatewise/data` gives and every pipeline takes. Types only.

/** Columns of equal length. */
export interface Table {
  readonly rows: number;
  readonly columns: Readonly<Record<string, Column>>;
  /** What errors call it, such as a file's name. */
  readonly source?: string | undefined;
}

/** One column: numbers, points in time, or names. */
export type Column = NumberColumn | TimeColumn | CategoryColumn;

/** Numbers. Booleans are 0 and 1. */
export interface NumberColumn {
  readonly kind: "number";
  /** [rows] NaN where one is missing. */
  readonly values: Float64Array;
}

/** Points in time. */
export interface TimeColumn {
  readonly kind: "time";
  /** [rows] Milliseconds since 1970 (UTC). NaN where one is missing. */
  readonly values: Float64Array;
}

/** Names out of a list, each row's by its index. */
export interface CategoryColumn {
  readonly kind: "category";
  /** [rows] Indices into `names`; −1 where one is missing. */
  readonly codes: Int32Array;
  /** In order of first appearance, no two alike. */
  readonly names: readonly string[];
}
