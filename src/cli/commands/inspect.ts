// `gatewise inspect MODEL`: what a model file holds.

import { defineCommand } from "citty";

import { openModel } from "../model-file.js";
import { COMMON } from "../options.js";
import { columns, figure, printResult } from "../output.js";
import { type TensorStatistics, statisticsOf } from "../tensors.js";

export const inspect = defineCommand({
  meta: { name: "inspect", description: "Show what a model file holds: layers, definition, preprocessing, tensors" },
  args: { model: { type: "positional", description: "The model file", required: true }, ...COMMON },
  async run({ args }) {
    const model = await openModel(args.model);
    try {
      const { definition, preprocessing = null } = model;
      const tensors = statisticsOf(model.parameters());
      printResult(args.json, { definition, preprocessing, tensors }, () =>
        [
          model.summary(),
          titled("Definition", JSON.stringify(definition, null, 2)),
          titled("Preprocessing", preprocessing === null ? "none: predictions take arrays" : JSON.stringify(preprocessing.definition, null, 2)),
          titled("Tensors", tableOf(tensors)),
        ].join("\n\n"),
      );
    } finally {
      model.dispose();
    }
  },
});

function titled(title: string, text: string): string {
  return `${title}\n${text.replaceAll(/^/gm, "  ")}`;
}

function tableOf(tensors: readonly TensorStatistics[]): string {
  const head = ["name", "shape", "mean", "deviation", "least", "largest", "not finite"];
  const rows = tensors.map(({ name, shape, mean, deviation, least, largest, notFinite }) => {
    return [name, `[${shape.join(", ")}]`, figure(mean), figure(deviation), figure(least), figure(largest), String(notFinite)];
  });
  return columns([head, ...rows]);
}
