// The options that all readers of tables share, and their check.

import { GatewiseError } from "../../errors.js";
import { kindOf } from "../buffers.js";
import type { Column } from "../table.js";

/** How a table is read. */
export interface TableOptions {
  /** Which columns, in this order. All of them, in the file's order, unless given. */
  readonly select?: readonly string[] | undefined;
  /** What these columns hold. The others are told from their values, all of them: see {@link readCsv}. */
  readonly columns?: Readonly<Record<string, ColumnKind>> | undefined;
}

/** What a column holds. */
export type ColumnKind = Column["kind"];

/** What stands for a missing value in text: nothing at all, or one of these words. */
export const MISSING: readonly string[] = ["", "NA", "N/A", "NaN", "nan", "NULL", "null"];

const KINDS: readonly unknown[] = ["number", "time", "category"] satisfies ColumnKind[];

/** @throws {GatewiseError} `invalid_option` */
export function checkTableOptions(options: TableOptions): void {
  if (typeof options !== "object" || options === null) {
    throw new GatewiseError("invalid_option", "options", `options must be an object, not ${kindOf(options)}`);
  }
  const { select, columns } = options;
  if (select !== undefined && !isNames(select)) {
    throw new GatewiseError("invalid_option", "options.select", "select must be a list of column names, no two alike and not empty");
  }
  for (const [name, kind] of Object.entries(columns ?? {})) {
    if (KINDS.includes(kind)) continue;
    throw new GatewiseError("invalid_option", `options.columns.${name}`, `a column is "number", "time" or "category", not ${JSON.stringify(kind)}`);
  }
}

/** Whether this is a list of different strings, one at least. */
export function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === "string") && new Set(value).size === value.length;
}

/** What a column is asked to be; undefined where its values shall tell. */
export function askedKind(options: TableOptions, column: string): ColumnKind | undefined {
  const { columns } = options;
  return columns && Object.hasOwn(columns, column) ? columns[column] : undefined;
}
