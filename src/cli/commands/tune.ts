// `gatewise tune`: the search that the configuration describes; writes the table, the trials, a picture and the winner.

import { defineCommand } from "citty";

import { GatewiseError } from "../../errors.js";
import type { OutputDefinition } from "../../model/outputs.js";
import type { TuningResult } from "../../tuning/result.js";
import { tune as search } from "../../tuning/tune.js";
import type { TuningOptions } from "../../tuning/types.js";
import { readConfig, section } from "../config.js";
import { completeDefinition } from "../definition.js";
import { EXIT } from "../failure.js";
import { type OutputFolder, openOutput, typed } from "../files.js";
import { interruptible } from "../interrupt.js";
import { COMMON, CONFIG, MACHINE, machineOf, positiveInteger } from "../options.js";
import { figure, note, printResult } from "../output.js";
import { partsOf } from "../parts.js";
import { openProgress } from "../progress.js";

export const tune = defineCommand({
  meta: { name: "tune", description: "Search for layers, sizes and training options that do best" },
  args: {
    ...CONFIG,
    workers: { type: "string", description: "Trials that train at once", valueHint: "N" },
    backend: MACHINE.backend,
    ...COMMON,
  },
  async run({ args }) {
    const config = await readConfig(args.config);
    const settings = section(config, "tuning", "tune");
    const [given, workers] = [section(config, "definition", "tune"), positiveInteger("workers", args.workers) ?? settings.workers];
    const output = await openOutput(args.output, config);
    const parts = await partsOf(config);
    const journal = output.path("tuning.jsonl");
    const { epochs: _budgets, ...options } = (config.training ?? {}) as { epochs?: unknown };
    const definition = completeDefinition(given, parts);
    const { backend } = machineOf(args, config.machine);
    const common = { ...settings, workers, definition, options, data: parts.training, validation: parts.validation, backend, journal };
    const result = await searchWithProgress(common as unknown as TuningOptions);
    const files = await writeAll(output, result);
    const document = { stopped: result.stopped, best: result.best ?? null, trials: result.trials.length, files };
    const written = Object.entries(files).map(([name, path]) => `${name.padEnd(8)} ${path}`);
    printResult(args.json, document, () => [result.toTable(), "", ...written].join("\n"));
    if (result.stopped === "finished") return EXIT.fine;
    note(`What was done is in ${typed(journal)}: the same command goes on from there.`);
    return EXIT.interrupted;
  },
});

async function searchWithProgress(options: TuningOptions): Promise<TuningResult> {
  const progress = await openProgress("tuning");
  try {
    return await interruptible((signal) =>
      search<OutputDefinition>({
        ...options,
        signal,
        onProgress({ rung, rungs, done, total, epochs, totalEpochs, best }) {
          const leader = best ? `, best ${figure(best.value)} (trial ${best.trial})` : "";
          progress.update(epochs, totalEpochs, `rung ${rung} of ${rungs}, ${done} of ${total} trials${leader}`);
        },
      }),
    );
  } finally {
    progress.end();
  }
}

async function writeAll(output: OutputFolder, result: TuningResult): Promise<Record<string, string>> {
  const { best } = result;
  return {
    trials: await output.write("tuning.json", result),
    ...(best && { best: await output.write("best.json", { definition: best.definition, training: best.options }) }),
    ...(result.trials.length > 0 && (await picture(output, result))),
  };
}

/** Where what draws it is not installed, there is none; the search was worth it all the same. */
async function picture(output: OutputFolder, result: TuningResult): Promise<Record<string, string>> {
  try {
    return { picture: await output.write("tuning.svg", await result.toSvg()) };
  } catch (error) {
    if (!(error instanceof GatewiseError) || error.code !== "missing_package") throw error;
    note(`no picture: ${error.message}`);
    return {};
  }
}
