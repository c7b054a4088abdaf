// `gatewise predict MODEL DATA`: a prediction for each sample of a file, as CSV or as JSON lines.

import { defineCommand } from "citty";

import { writeText } from "../files.js";
import { openModel } from "../model-file.js";
import { MACHINE, machineOf, oneOf } from "../options.js";
import { note } from "../output.js";
import { asCsv, asJsonLines, recordsOf } from "../predictions.js";
import { readFor } from "../tables.js";

export const predict = defineCommand({
  meta: { name: "predict", description: "Predict for each sample of a file, as CSV or JSON lines" },
  args: {
    model: { type: "positional", description: "The model file", required: true },
    data: { type: "positional", description: "A table such as the training's, or a .ts or .tsv file", required: true },
    format: { type: "string", description: "csv or jsonl", default: "csv", valueHint: "NAME" },
    output: { type: "string", description: "A file instead of stdout", valueHint: "FILE" },
    latest: { type: "boolean", description: "One prediction for each group, of its last steps", default: false },
    "cut-off": { type: "string", description: "A time instead of the pipeline's cut-offs", valueHint: "TIME" },
    ...MACHINE,
    json: { type: "boolean", description: "One JSON document: a list of all predictions", default: false },
  },
  async run({ args }) {
    const format = oneOf("format", args.format, ["csv", "jsonl"]) ?? "csv";
    const model = await openModel(args.model, machineOf(args));
    try {
      const data = await readFor(model, args.data);
      const cutOffs = args["cut-off"];
      const options = "rows" in data ? { latest: args.latest, ...(cutOffs !== undefined && { cutOffs }) } : {};
      const records = recordsOf(await model.predict({ ...data, ...options, ...withoutTargets(data) } as never));
      const text = args.json ? `${JSON.stringify(records, null, 2)}\n` : format === "csv" ? asCsv(records) : asJsonLines(records);
      if (args.output === undefined) process.stdout.write(text);
      else await writeText(args.output, text).then(() => note(`${records.length} predictions in ${args.output}`));
    } finally {
      model.dispose();
    }
  },
});

/** Predictions ask for none. */
function withoutTargets(data: object): object {
  return "targets" in data ? { targets: undefined } : {};
}
