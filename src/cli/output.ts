// Where a command's words go: results to stdout, as text or as one JSON document; everything else to stderr.

/** The result of a command: the document for programs, the text for people. */
export function printResult(json: boolean, document: object, text: () => string): void {
  process.stdout.write(`${json ? JSON.stringify(document, null, 2) : text()}\n`);
}

/** Something that people should know and programs need not. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Rows as aligned text. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join("  ")).join("\n");
}

/** A number for people: four figures. */
export function figure(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : String(Number(value.toPrecision(4)));
}
