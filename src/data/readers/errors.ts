// What readers throw: which file, which line or row, which column, and what to do about it.

import { GatewiseError } from "../../errors.js";

/** A place in a file: a line of text, or a row (counted from 0) of a table. */
export interface FilePlace {
  readonly line?: number;
  readonly row?: number;
  readonly column?: string | undefined;
}

/** `invalid_file` with a path such as `orders.csv:143:price`, or `orders.parquet[142].price` where there are rows, not lines. */
export function invalidFile(name: string, place: FilePlace, message: string, cause?: unknown): GatewiseError {
  const { line, row, column } = place;
  const where = [name];
  if (line !== undefined) where.push(`line ${line}`);
  if (row !== undefined) where.push(`row ${row}`);
  if (column !== undefined) where.push(`column "${column}"`);
  const at = line !== undefined ? `:${line}` : row !== undefined ? `[${row}]` : "";
  const field = column === undefined ? "" : row !== undefined ? `.${column}` : `:${column}`;
  return new GatewiseError("invalid_file", `${name}${at}${field}`, `${where.join(", ")}: ${message}`, cause === undefined ? undefined : { cause });
}

/** What a library's decoder throws, and what damaged bytes make it throw, as the package's. `format` is what files of this kind are called. */
export async function decoding<Value>(
  format: string,
  name: string,
  place: FilePlace,
  decode: () => Promise<Value>,
): Promise<Value> {
  try {
    return await decode();
  } catch (cause) {
    if (cause instanceof GatewiseError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw invalidFile(name, place, `this is no ${format} file, or it is damaged or ends early (${why}): get it again`, cause);
  }
}

/** Fails unless each of `wanted` is a column. `path` is the option that asks for them. */
export function assertColumns(wanted: readonly string[], present: readonly string[], path: string, name: string): void {
  for (const column of wanted) {
    if (present.includes(column)) continue;
    const message = `${name} has no column "${column}": it has ${present.map((name) => `"${name}"`).join(", ")}`;
    throw new GatewiseError("invalid_option", path, message);
  }
}
