// The rows of the docs' conversion table, as the tests that prove them find them. `GATEWISE_CONVERSIONS=FILE` has each appended to a
// file, as JSON, one a line: tests of several files write to it at the same time.

import { appendFileSync } from "node:fs";

export interface Conversion {
  readonly format: string;
  /** To the format, or from it. */
  readonly direction: "in" | "out";
  readonly cell: "lstm" | "gru" | "rnn";
  readonly bidirectional: boolean;
  /** The options of the layer; empty for a plain one. */
  readonly options: string;
  /** Of the numbers in the file; f32 unless given. */
  readonly type?: string;
  /** The largest `max|a − b| / max(1e-3, max|b|)` of a tensor. */
  readonly error: number;
}

export function recordConversion(row: Conversion): void {
  const file = process.env["GATEWISE_CONVERSIONS"];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(row)}\n`);
}
