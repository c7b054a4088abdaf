// `gatewise convert IN OUT`: weights of PyTorch's or ours into a file of ours, plain safetensors, PyTorch's or ONNX.

import { defineCommand } from "citty";

import { convertFile, formatOf } from "../conversion.js";
import { hintsOf } from "../hints.js";
import { COMMON, oneOf } from "../options.js";
import { printResult } from "../output.js";

export const convert = defineCommand({
  meta: { name: "convert", description: "Convert weights: PyTorch and safetensors in; Gatewise, safetensors, PyTorch and ONNX out" },
  args: {
    in: { type: "positional", description: "A .pt, .pth or .safetensors file, plain or Gatewise's", required: true },
    out: { type: "positional", description: "The file to write: .safetensors (Gatewise's), .pt, .pth or .onnx", required: true },
    to: { type: "string", description: "gatewise, safetensors (plain), pytorch or onnx, whatever the file's name", valueHint: "FORMAT" },
    definition: { type: "string", description: "A JSON file with the model's whole definition", valueHint: "FILE" },
    hints: { type: "string", description: "A JSON file with what the weights do not tell: output, input, layers, map", valueHint: "FILE" },
    classes: { type: "string", description: "What the outputs are: the classes' names", valueHint: "A,B,…" },
    labels: { type: "string", description: "… or the labels' names", valueHint: "A,B,…" },
    values: { type: "string", description: "… or how many values", valueHint: "N" },
    at: { type: "string", description: "The steps that they come from: last, each, mean, max or attention", valueHint: "STEPS" },
    activation: { type: "string", description: "Of nn.RNN: tanh or relu", valueHint: "NAME" },
    map: { type: "string", description: "Where modules belong: rnn=layers,fc=output", valueHint: "A=B,…" },
    path: { type: "string", description: "Of a checkpoint: which entry is the state dict, such as model", valueHint: "PATH" },
    partial: { type: "boolean", description: "Pass over tensors without a place; what is missing starts afresh", default: false },
    names: { type: "string", description: "What modules are called in PyTorch's files: rnn=layers,head=output", valueHint: "A=B,…" },
    ...COMMON,
  },
  async run({ args }) {
    const format = oneOf("to", args.to, ["gatewise", "safetensors", "pytorch", "onnx"]) ?? formatOf(args.out);
    const converted = await convertFile(args.in, args.out, format, await hintsOf(args));
    printResult(args.json, converted, () => {
      const { definition, parameters, file } = converted;
      const layers = definition.layers.map(({ cell, units, bidirectional }) => `${cell} ${units}${bidirectional ? " in both directions" : ""}`).join(", ");
      return `${file}: ${layers}; ${parameters.toLocaleString("en-US")} parameters, as ${FORMATS[format]}`;
    });
  },
});

const FORMATS = { gatewise: "a Gatewise model", safetensors: "plain safetensors", pytorch: "a PyTorch state dict", onnx: "an ONNX model" } as const;
