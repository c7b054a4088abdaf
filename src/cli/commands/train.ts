// `gatewise train`: reads and splits the data, trains, and writes the model, its history and its report.

import { defineCommand } from "citty";

import { createModel } from "../../model/create.js";
import type { OutputDefinition } from "../../model/outputs.js";
import { readConfig, section } from "../config.js";
import { completeDefinition } from "../definition.js";
import { EXIT } from "../failure.js";
import { openOutput, typed } from "../files.js";
import { interruptible } from "../interrupt.js";
import { COMMON, CONFIG, MACHINE, machineOf, positiveInteger } from "../options.js";
import { printResult } from "../output.js";
import { partsOf } from "../parts.js";
import { reportText } from "../report.js";
import { fitWithProgress } from "../training.js";

export const train = defineCommand({
  meta: { name: "train", description: "Train a model as the configuration says" },
  args: {
    ...CONFIG,
    epochs: { type: "string", description: "Passes over the training data, instead of the configuration's", valueHint: "N" },
    ...MACHINE,
    ...COMMON,
  },
  async run({ args }) {
    const config = await readConfig(args.config);
    const [given, epochs] = [section(config, "definition", "train"), positiveInteger("epochs", args.epochs)];
    const output = await openOutput(args.output, config);
    const parts = await partsOf(config);
    const model = await createModel<OutputDefinition>(completeDefinition(given, parts), machineOf(args, config.machine));
    try {
      const options = { ...config.training, ...(epochs !== undefined && { epochs }) };
      const history = await interruptible((signal) => fitWithProgress(model, parts, options, signal));
      const interrupted = history.stopped === "aborted";
      const path = output.path(interrupted ? "interrupted.safetensors" : "model.safetensors");
      await model.save(path);
      const report = !interrupted && parts.test ? await model.evaluate(parts.test as never) : null;
      const files = { model: typed(path), history: await output.write("history.json", history), report: report && (await output.write("report.json", report)) };
      const document = { stopped: history.stopped, backend: model.backend, steps: history.steps, last: history.epochs.at(-1) ?? null, report, files };
      printResult(args.json, document, () => [interrupted ? "Stopped early." : reportText("test part", report), ...written(files)].join("\n"));
      return interrupted ? EXIT.interrupted : EXIT.fine;
    } finally {
      model.dispose();
    }
  },
});

function written(files: Readonly<Record<string, string | null>>): string[] {
  return Object.entries(files).flatMap(([name, path]) => (path === null ? [] : [`${name.padEnd(8)} ${path}`]));
}
