// How sequences are taken out of a table file that is read chunk by chunk, and the check of that.

import { GatewiseError } from "../../errors.js";
import { assertColumns } from "../readers/errors.js";
import { type TableOptions, checkTableOptions, isNames } from "../readers/options.js";
import type { TableFile } from "../readers/table-file.js";

/** Which rows and columns of a file are sequences, and what is to be predicted of each. */
export interface SequenceOptions extends Pick<TableOptions, "columns"> {
  /**
   * The column that tells sequences apart: the rows of one follow each other, and the file is sorted by it. All rows are one
   * sequence, for windows, unless given.
   */
  readonly group?: string | undefined;
  /** The column by which the rows of a sequence are sorted, rising; not looked at unless given. */
  readonly time?: string | undefined;
  /** The columns of numbers that are the features of each step, in this order. */
  readonly features: readonly string[];
  /** Columns of numbers that hold for a whole sequence: those of its first row are taken. */
  readonly statics?: readonly string[] | undefined;
  /** What is predicted: a column of numbers for values, one of names for classes. */
  readonly target: string;
  /** Whether there is a target for each sequence, that of its last row, or for each of its steps. `"last"` unless given. */
  readonly at?: "last" | "each" | undefined;
  /** Pieces of equal length instead of whole sequences; sequences that are shorter than one are left out. */
  readonly window?: Window | undefined;
  /** About how many steps a chunk has, those of the padding among them: what is held in memory. 65,536 unless given. */
  readonly chunkRows?: number | undefined;
}

/** Windows over a sequence. */
export interface Window {
  /** Steps of each. */
  readonly steps: number;
  /** Steps from the beginning of one to that of the next. As many as a window has unless given. */
  readonly stride?: number | undefined;
  /** Predict the target's values in so many rows behind the window, instead of the one in its last row. 0 unless given. */
  readonly ahead?: number | undefined;
}

/** A window with all its numbers. */
export type WholeWindow = { readonly [Key in keyof Window]-?: number };

/** Options with nothing left open. */
export interface Checked extends SequenceOptions {
  readonly statics: readonly string[];
  readonly at: "last" | "each";
  readonly window: WholeWindow | undefined;
  readonly chunkRows: number;
}

/** @throws {GatewiseError} `invalid_option` */
export function checkSequenceOptions(options: SequenceOptions, file: TableFile): Checked {
  checkTableOptions(options);
  const { group, time, features, statics, target, at = "last", window, chunkRows = 65_536 } = options;
  if (!isNames(features)) throw refusal("features", "features must be a list of column names, no two alike and not empty");
  if (statics !== undefined && !isNames(statics)) throw refusal("statics", "statics must be a list of column names, no two alike and not empty");
  if (typeof target !== "string") throw refusal("target", "target must be the name of a column");
  if (at !== "last" && at !== "each") throw refusal("at", 'at is "last" or "each"');
  if (!isCount(chunkRows)) throw refusal("chunkRows", "chunkRows must be a whole number above 0");
  if (group === undefined && window === undefined) {
    throw refusal("group", "say with `group` which rows are one sequence, or with `window` how to cut the file's one sequence into pieces");
  }
  const asked = { group, time, target } as const;
  for (const [option, name] of Object.entries(asked)) if (name !== undefined) assertColumns([name], file.columns, `options.${option}`, file.name);
  assertColumns(features, file.columns, "options.features", file.name);
  assertColumns(statics ?? [], file.columns, "options.statics", file.name);
  for (const name of Object.keys(options.columns ?? {})) assertColumns([name], file.columns, `options.columns.${name}`, file.name);
  return { ...options, statics: statics ?? [], at, window: window && checkWindow(window, at), chunkRows };
}

function checkWindow({ steps, stride = steps, ahead = 0 }: Window, at: "last" | "each"): WholeWindow {
  if (!isCount(steps)) throw refusal("window.steps", "steps must be a whole number above 0");
  if (!isCount(stride)) throw refusal("window.stride", "stride must be a whole number above 0");
  if (ahead !== 0 && !isCount(ahead)) throw refusal("window.ahead", "ahead must be a whole number from 0 on");
  if (ahead > 0 && at === "each") throw refusal("window.ahead", 'ahead goes with at: "last": leave one of them out');
  return { steps, stride, ahead };
}

function refusal(option: string, message: string): GatewiseError {
  return new GatewiseError("invalid_option", `options.${option}`, message);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}
