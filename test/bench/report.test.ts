// docs/performance.md from a run: what stands where.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import type { Machine } from "../../bench/machine.js";
import { BEGIN, END } from "../../bench/report/document.js";
import { sectionOf } from "../../bench/report/section.js";
import { writeDocs } from "../../bench/report/write.js";
import type { Row } from "../../bench/rows.js";
import { rowOf } from "../../bench/suites/row.js";

const machine: Machine = {
  cpu: "Test CPU",
  cores: 2,
  memory: 8 * 2 ** 30,
  platform: "linux x64",
  node: "20.20.2",
  gatewise: "0.1.0",
  isa: "avx2",
  peak_gflops: 100,
  peak_gflops_2_threads: 200,
  versions: { pytorch: "2.15.0" },
  date: "2026-11-25T04:00:00.000Z",
};

const measured = { threads: 1, backend: "native", isa: "avx2", peer: "pytorch" } as const;
const native = (parts: Partial<Row>): Row => rowOf({ suite: "native", operation: "inference", ...measured, ...parts });
const cost = (shape: string, ours_ms: number): Row =>
  rowOf({ suite: "cost", operation: "inference", shape, ...measured, ours_ms, peer_ms: 2 * ours_ms, ratio: 2 });
const rows: readonly Row[] = [
  native({
    shape: "64,28,28,128",
    ours_ms: 2,
    peer_ms: 2.5,
    ratio: 1.25,
    ratio_low: 1.2,
    ratio_high: 1.3,
    target: 1.15,
    met: true,
  }),
  native({ shape: "1,100,16,64", ours_ms: 2, peer_ms: 1, ratio: 0.5, target: 1, met: false }),
  native({ shape: "8,200,12,96", target: 1, note: "missing: not installed" }),
  rowOf({ suite: "memory", operation: "training step", memory: 5e7, peer_memory: 9e7, target: "≤ 1.3 times", met: true }),
  cost("1,28,28,128", 0.05),
  cost("64,28,28,128", 2),
];

let docs: string;
beforeAll(() => {
  docs = mkdtempSync(join(tmpdir(), "gatewise-report-"));
});
afterAll(() => rmSync(docs, { recursive: true, force: true }));

test("it says what ran where, how many targets are met, and which are not", () => {
  const section = sectionOf({ machine, rows }, []);
  expect(section).toContain("Taken on 2026-11-25");
  expect(section).toContain("Test CPU, 2 cores, 8 GiB");
  expect(section).toContain("pytorch 2.15.0");
  expect(section).toContain("2 of 4 met, 1 not, 1 without a measurement.");
  expect(section).toContain("| native | inference | 1,100,16,64 | 1 | pytorch | 0.50 | ≥ 1 |");
});

test("each group has a table with the columns that it fills, and its notes", () => {
  const section = sectionOf({ machine, rows }, []);
  expect(section).toContain("#### native · inference · native avx2 · 1 thread");
  expect(section).toContain("| 64,28,28,128 | 2.00 ms | pytorch | 2.50 ms | 1.25 (1.20–1.30) | ≥ 1.15 | yes |");
  expect(section).toContain("- 8,200,12,96, pytorch: missing: not installed");
  expect(section).toContain("| ours | its figure | target | met |\n|--:|--:|---|---|\n| 50.0 MB | 90.0 MB |");
});

test("it writes the page and its plots, and leaves what people wrote", () => {
  const page = join(docs, "performance.md");
  writeFileSync(page, `# Performance\n\nWhat was tried.\n\n${BEGIN}\n${END}\n\nThe end.\n`);
  const written = writeDocs({ machine, rows }, docs).map((path) => basename(path));
  // Steps and units have one shape each: no line to draw.
  expect(written).toEqual(["performance.md", "cost-batch.svg"]);
  const text = readFileSync(page, "utf8");
  expect(text).toMatch(/^# Performance\n\nWhat was tried\.\n\n<!-- begin/);
  expect(text).toMatch(/<!-- end -->\n\nThe end\.\n$/);
  expect(text).toMatch(/!\[Time against batch\. inference: Gatewise from 50\.0 µs to 2\.00 ms, .*\]\(plots\/cost-batch\.svg\)/);
  const svg = readFileSync(join(docs, "plots/cost-batch.svg"), "utf8");
  for (const words of ["Gatewise", "PyTorch", "the machine's limit", "milliseconds"]) expect(svg).toContain(words);
});

test("a page without markers is not touched, nor are plots written", () => {
  const page = join(docs, "performance.md");
  writeFileSync(page, "# Performance\n");
  expect(() => writeDocs({ machine, rows }, docs)).toThrow("the page needs");
  expect(readFileSync(page, "utf8")).toBe("# Performance\n");
});
