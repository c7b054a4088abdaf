// The first pass over a file: where its sequences begin. Reads the one column that tells them apart, part by part.

import { invalidFile } from "../readers/errors.js";
import { askedKind } from "../readers/options.js";
import type { TableFile } from "../readers/table-file.js";
import type { Column } from "../table.js";
import type { Checked } from "./options.js";

/** What tells a sequence from the next. */
type Key = number | string;

/**
 * [sequences + 1] The row on which each begins, and at the end the number of rows.
 *
 * @throws {GatewiseError} `invalid_file` with the row where the file is not sorted by that column
 */
export async function findGroups(file: TableFile, options: Checked): Promise<Float64Array> {
  const { group } = options;
  if (group === undefined) return Float64Array.of(0, file.rows);
  const starts = new Starts();
  let last: Key | undefined;
  for (const [index, first] of file.parts.entries()) {
    const end = file.parts[index + 1] ?? file.rows;
    const column = (await file.read([{ name: group, kind: askedKind(options, group) }], first, end)).get(group) as Column;
    const ids = column.kind === "category" ? column.codes : column.values;
    let before: number | undefined;
    for (let row = 0; row < ids.length; row++) {
      const id = ids[row] as number;
      // Most rows go on with the sequence of the row before.
      if (id === before) continue;
      before = id;
      const key = keyOf(column, id);
      const place = { row: first + row, column: group };
      if (key === undefined) throw invalidFile(file.name, place, "the value is missing, and so nothing tells which sequence the row is of");
      if (key === last) continue;
      if (last !== undefined && !(key > last)) {
        throw invalidFile(file.name, place, `${show(key)} comes after ${show(last)}: sort the file by "${group}"`);
      }
      starts.push(first + row);
      last = key;
    }
  }
  starts.push(file.rows);
  return starts.all();
}

function keyOf(column: Column, id: number): Key | undefined {
  if (column.kind === "category") return column.names[id];
  return Number.isNaN(id) ? undefined : id;
}

function show(key: Key): string {
  return typeof key === "string" ? JSON.stringify(key) : String(key);
}

/** A growing list of rows: eight bytes for each. */
class Starts {
  #rows = new Float64Array(1024);
  #count = 0;

  push(row: number): void {
    if (this.#count === this.#rows.length) {
      const larger = new Float64Array(this.#count * 2);
      larger.set(this.#rows);
      this.#rows = larger;
    }
    this.#rows[this.#count++] = row;
  }

  all(): Float64Array {
    return this.#rows.slice(0, this.#count);
  }
}
