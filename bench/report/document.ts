// A part of a Markdown page that a tool writes, between two comments; the rest is people's.

export const BEGIN = "<!-- begin: written by `npm run bench -- --write-docs`; changes here are lost -->";
export const END = "<!-- end -->";

/** The page with `section` between its markers. Fails where they are missing, as it then knows no place for it. */
export function withSection(page: string, section: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin === -1 || end < begin || page.lastIndexOf(BEGIN) !== begin || page.lastIndexOf(END) !== end) {
    throw new Error(`the page needs the line ${BEGIN} once and after it the line ${END} once`);
  }
  return `${page.slice(0, begin + BEGIN.length)}\n\n${section.trim()}\n\n${page.slice(end)}`;
}

/** How a column stands: words to the left, numbers to the right. */
export type Alignment = "left" | "right";

/** A table; each row has a cell for each column. */
export function markdownTable(
  columns: readonly (readonly [title: string, alignment: Alignment])[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const rule = `|${columns.map(([, alignment]) => (alignment === "right" ? "--:" : "---")).join("|")}|`;
  return [line(columns.map(([title]) => title)), rule, ...rows.map(line)].join("\n");
}
