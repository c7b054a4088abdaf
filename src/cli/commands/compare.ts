// `gatewise compare`: networks and baselines on the same data; writes the comparison and its report.

import { defineCommand } from "citty";

import { compare as hold } from "../../baselines/compare/compare.js";
import type { CompareOptions } from "../../baselines/compare/compare.js";
import type { Comparison, ComparisonProgress } from "../../baselines/compare/types.js";
import { toHtml } from "../../baselines/report/html.js";
import { toTable } from "../../baselines/report/table.js";
import { comparisonOf } from "../comparison.js";
import { readConfig, section } from "../config.js";
import { EXIT } from "../failure.js";
import { openOutput } from "../files.js";
import { interruptible } from "../interrupt.js";
import { COMMON, CONFIG, MACHINE, machineOf } from "../options.js";
import { note, printResult } from "../output.js";
import { openProgress } from "../progress.js";

export const compare = defineCommand({
  meta: { name: "compare", description: "Compare networks with baselines on the same data, split and seeds" },
  args: { ...CONFIG, ...MACHINE, ...COMMON },
  async run({ args }) {
    const config = await readConfig(args.config);
    section(config, "comparison", "compare");
    const output = await openOutput(args.output, config);
    const comparison = await holdWithProgress({ ...(await comparisonOf(config)), machine: machineOf(args, config.machine) });
    if (comparison === undefined) {
      note("Nothing was written: a comparison begins anew.");
      return EXIT.interrupted;
    }
    const files = [await output.write("comparison.json", comparison), await output.write("comparison.html", await toHtml(comparison))];
    printResult(args.json, comparison, () => [toTable(comparison), "", ...files].join("\n"));
    return EXIT.fine;
  },
});

/** Undefined where Ctrl-C ended it. */
async function holdWithProgress(options: CompareOptions): Promise<Comparison | undefined> {
  const progress = await openProgress("comparing");
  try {
    return await interruptible(async (signal) => {
      try {
        return await hold({
          ...options,
          signal,
          onProgress: ({ entrant, seed, run, runs, phase, fraction }: ComparisonProgress) =>
            progress.update(run - 1 + fraction, runs, `${entrant}${seed === null ? "" : `, seed ${seed}`}: ${phase}`),
        } as never);
      } catch (error) {
        if (signal.aborted) return undefined;
        throw error;
      }
    });
  } finally {
    progress.end();
  }
}
