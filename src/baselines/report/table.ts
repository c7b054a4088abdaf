// A comparison for terminals. Computes nothing that it prints.

import type { Comparison } from "../compare/types.js";
import { TESTS, advantage, bestOf, described, duration, figuresOf, probability, summaryOf, written } from "./words.js";

/**
 * A comparison as text: the figures of each entrant, mean ± standard deviation over the seeds, the best of each marked with *, and
 * the tests.
 *
 * @param comparison what `compare` gave, or what is left of it as JSON
 * @returns lines of at most some 170 characters
 *
 * @example
 * ```ts
 * console.log(toTable(await compare(options)));
 * ```
 */
export function toTable(comparison: Comparison): string {
  const { entrants, tests, notes, title, seeds, reference } = comparison;
  const shown = figuresOf(comparison).filter(({ key }) => summaryOf(comparison, key).some((spread) => spread !== null));
  const columns = shown.map((style) => {
    const spreads = summaryOf(comparison, style.key);
    const best = bestOf(spreads, style.better);
    const cells = spreads.map((spread, n) => {
      const { mean, around } = written(spread, style, entrants[n]?.runs.length ?? 1);
      return `${mean}${around && ` ${around}`}${n === best ? " *" : "  "}`;
    });
    return [`${style.label}  `].concat(cells);
  });
  const figures = ["", ...entrants.map(({ name }) => name)].map((name, row) => {
    const entrant = entrants[row - 1];
    const { fit, predict } = entrant?.seconds ?? {};
    const rest = fit && predict ? [size(entrant), duration(fit.mean), duration(predict.mean)] : ["parameters", "training", "prediction"];
    return [name].concat(columns.map((column) => column[row] as string), rest);
  });
  const comparisons = tests.map((test) => [
    `${reference} – ${test.other}`,
    TESTS[test.kind].name,
    `${advantage(test)} ${TESTS[test.kind].of}`,
    probability(test.pValue),
    probability(test.adjusted),
  ]);
  const tested = tests.length === 0 ? [] : ["", ...aligned([["paired tests", "", "advantage", "p", "Holm"], ...comparisons])];
  const seedsSaid = `Mean ± standard deviation over the seeds ${seeds.join(", ")}; * marks the best.`;
  return [title, described(comparison), "", ...aligned(figures), "", seedsSaid, ...tested, "", ...notes].join("\n");
}

function size(entrant: Comparison["entrants"][number] | undefined): string {
  return entrant?.parameters?.toLocaleString("en") ?? "–";
}

/** Columns as wide as their widest cell: the first aligned left, the others right. The first row is the heading. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("   "));
  return lines.toSpliced(1, 0, widths.map((width) => "─".repeat(width)).join("   ")).map((line) => line.trimEnd());
}
