// The generated part of docs/performance.md and the rest of it.

import { expect, test } from "vitest";

import { BEGIN, END, markdownTable, withSection } from "../../bench/report/document.js";

const page = `# Performance\n\nBefore.\n\n${BEGIN}\n\nold\n\n${END}\n\nAfter.\n`;

test("only what stands between the markers is replaced, and again the same", () => {
  const written = withSection(page, "new\n");
  expect(written).toBe(`# Performance\n\nBefore.\n\n${BEGIN}\n\nnew\n\n${END}\n\nAfter.\n`);
  expect(withSection(written, "new")).toBe(written);
});

test.each([
  ["no marker", "# Performance\n"],
  ["no end", page.replace(END, "")],
  ["the end before the beginning", `${END}\n${BEGIN}\n`],
  ["two beginnings", `${BEGIN}\n${page}`],
])("a page with %s is left alone", (_, broken) => {
  expect(() => withSection(broken, "new")).toThrow("the page needs");
});

test("tables align numbers to the right and keep bars in their cells", () => {
  const table = markdownTable([["name", "left"], ["ms", "right"]], [["a|b", "1.5"]]);
  expect(table).toBe("| name | ms |\n|---|--:|\n| a\\|b | 1.5 |");
});
