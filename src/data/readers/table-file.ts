// Table files of which any rows can be read: what Parquet and Arrow files have in common. Knows neither format.

import type { Column, Table } from "../table.js";
import { assertColumns } from "./errors.js";
import { type ColumnKind, type TableOptions, askedKind, checkTableOptions } from "./options.js";

/** A column to read: its name, and what it shall hold if not what the file says. */
export interface Wanted {
  readonly name: string;
  readonly kind: ColumnKind | undefined;
}

/** Columns of some rows by name. */
export type Columns = Map<string, Column>;

/** An open file with columns. */
export interface TableFile {
  readonly name: string;
  readonly rows: number;
  readonly columns: readonly string[];
  /**
   * Where the file's own parts (row groups, record batches) begin, rising from 0: reading them one at a time takes the least
   * memory and time.
   */
  readonly parts: readonly number[];
  /** The columns of rows from `start` to before `end`. */
  read(wanted: readonly Wanted[], start: number, end: number): Promise<Columns>;
  close(): Promise<void>;
}

/** The columns that options ask for. @throws {GatewiseError} `invalid_option` for one that is not there */
export function wantedColumns(file: TableFile, options: TableOptions): Wanted[] {
  checkTableOptions(options);
  assertColumns(options.select ?? [], file.columns, "options.select", file.name);
  for (const name of Object.keys(options.columns ?? {})) assertColumns([name], file.columns, `options.columns.${name}`, file.name);
  return (options.select ?? file.columns).map((name) => ({ name, kind: askedKind(options, name) }));
}

/** All rows of a file, which is closed then. */
export async function readWhole(file: TableFile, options: TableOptions): Promise<Table> {
  try {
    const columns = await file.read(wantedColumns(file, options), 0, file.rows);
    return { rows: file.rows, columns: Object.fromEntries(columns), source: file.name };
  } finally {
    await file.close();
  }
}
