// `gatewise evaluate MODEL [DATA]`: how well a model does on a file, or on the configuration's test part.

import { defineCommand } from "citty";

import { GatewiseError } from "../../errors.js";
import { readConfig } from "../config.js";
import { writeText } from "../files.js";
import { openModel } from "../model-file.js";
import { COMMON, CONFIG, MACHINE, machineOf } from "../options.js";
import { printResult } from "../output.js";
import { partsOf } from "../parts.js";
import { reportText } from "../report.js";
import { readFor } from "../tables.js";

export const evaluate = defineCommand({
  meta: { name: "evaluate", description: "Say how well a model does on data with known targets" },
  args: {
    model: { type: "positional", description: "The model file", required: true },
    data: { type: "positional", description: "A table, or a .ts or .tsv file; the configuration's test part unless given", required: false },
    config: CONFIG.config,
    output: { type: "string", description: "A file for the report, as JSON", valueHint: "FILE" },
    ...MACHINE,
    ...COMMON,
  },
  async run({ args }) {
    const model = await openModel(args.model, machineOf(args));
    try {
      const data = args.data === undefined ? await testPart(args.config) : await readFor(model, args.data);
      const report = await model.evaluate(data as never);
      if (args.output !== undefined) await writeText(args.output, `${JSON.stringify(report, null, 2)}\n`);
      printResult(args.json, report, () => reportText(args.data ?? "test part", report));
    } finally {
      model.dispose();
    }
  },
});

async function testPart(path: string): Promise<object> {
  const { test } = await partsOf(await readConfig(path));
  if (test) return test;
  throw new GatewiseError("invalid_option", "split.test", "the configuration has no test part: name a file to evaluate on");
}
