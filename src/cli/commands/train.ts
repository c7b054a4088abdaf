// `gatewise train`: reads and splits the data, trains, and writes the model, its history and its report.

import { defineCommand } from "citty";

import { createModel } from "../../model/create.js";
import type { Model } from "../../model/model.js";
import type { OutputDefinition } from "../../model/outputs.js";
import { readConfig, section } from "../config.js";
import { completeDefinition } from "../definition.js";
import { EXIT } from "../failure.js";
import { type OutputFolder, openOutput, typed } from "../files.js";
import { interruptible } from "../interrupt.js";
import { COMMON, CONFIG, MACHINE, machineOf, positiveInteger } from "../options.js";
import { printResult } from "../output.js";
import { type Parts, partsOf } from "../parts.js";
import { reportText } from "../report.js";
import { CHECKPOINT, checkpointIn, fitWithProgress } from "../training.js";

export const train = defineCommand({
  meta: { name: "train", description: "Train a model as the configuration says" },
  args: {
    ...CONFIG,
    resume: { type: "boolean", description: "Go on from the output folder's checkpoint, if there is one", default: false },
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
      const checkpoint = checkpointIn(output, parts, args.resume);
      const options = { ...config.training, ...(epochs !== undefined && { epochs }), checkpoint };
      const history = await interruptible((signal) => fitWithProgress(model, parts, options, signal));
      const interrupted = history.stopped === "aborted";
      const result = await resultOf(model, parts, history, interrupted ? undefined : output);
      const files = { checkpoint: typed(output.path(CHECKPOINT)), ...result.files };
      const resume = interrupted ? `gatewise train ${resumption(args)}` : null;
      const { stopped, steps } = history;
      const last = history.epochs.at(-1) ?? null;
      const document = { stopped, backend: model.backend, steps, last, report: result.report, files, resume };
      const words = interrupted ? `Stopped in epoch ${history.epochs.length + 1}. Go on with: ${resume}` : reportText("test part", result.report);
      printResult(args.json, document, () => [words, ...written(files)].join("\n"));
      return interrupted ? EXIT.interrupted : EXIT.fine;
    } finally {
      model.dispose();
    }
  },
});

/** The finished model, how it came about and how it does; nothing where it is not finished. */
async function resultOf(model: Model<OutputDefinition>, { test }: Parts, history: object, output: OutputFolder | undefined) {
  if (!output) return { report: null, files: {} };
  const path = output.path("model.safetensors");
  await model.save(path);
  const report = test ? await model.evaluate(test as never) : null;
  const files = {
    model: typed(path),
    history: await output.write("history.json", history),
    ...(report && { report: await output.write("report.json", report) }),
  };
  return { report, files };
}

/** The options that were given, and --resume. */
function resumption({ config, output, epochs, backend, threads }: Readonly<Record<string, unknown>>): string {
  const given = Object.entries({ config: config === CONFIG.config.default ? undefined : config, output, epochs, backend, threads });
  return [...given.flatMap(([name, value]) => (typeof value === "string" ? [`--${name} ${value}`] : [])), "--resume"].join(" ");
}

function written(files: Readonly<Record<string, string>>): string[] {
  return Object.entries(files).map(([name, path]) => `${name.padEnd(10)} ${path}`);
}
