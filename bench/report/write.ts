// Writes docs/performance.md's generated section and the plots beside it.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { root } from "../../scripts/setup/places.mjs";
import { drawChart } from "../plots/chart.js";
import { costCharts } from "../plots/cost.js";
import { BEGIN, END, withSection } from "./document.js";
import { type Run, sectionOf } from "./section.js";

/** The page where there is none yet. */
const NEW_PAGE = `# Performance\n\n## The last full run\n\n${BEGIN}\n\n${END}\n`;

/** @returns the paths of the files that were written */
export function writeDocs(run: Run, docs = join(root, "docs")): string[] {
  const charts = costCharts(run.machine, run.rows);
  const plots = join(docs, "plots");
  mkdirSync(plots, { recursive: true });
  const page = join(docs, "performance.md");
  // The page first: where its markers are missing, nothing is written.
  const text = withSection(existsSync(page) ? readFileSync(page, "utf8") : NEW_PAGE, sectionOf(run, charts));
  writeFileSync(page, text);
  const pictures = charts.map(({ file, chart }) => {
    const path = join(plots, file);
    writeFileSync(path, drawChart(chart));
    return path;
  });
  return [page, ...pictures];
}
