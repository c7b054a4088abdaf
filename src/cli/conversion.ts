// From a file of weights to a model, and from the model to a file of another format.

import { extname } from "node:path";

import { GatewiseError } from "../errors.js";
import { exportOnnx } from "../formats/onnx/export.js";
import { encodeSafetensors } from "../formats/safetensors.js";
import { exportPyTorch } from "../formats/state-dict/export.js";
import { loadPretrained } from "../formats/state-dict/pretrained.js";
import type { Model } from "../model/model.js";
import type { OutputDefinition } from "../model/outputs.js";
import { UsageError } from "./failure.js";
import { writeBytes } from "./files.js";
import type { Told } from "./hints.js";
import { namingFile } from "./model-file.js";

/** What a file can be written as. */
export type Format = "gatewise" | "safetensors" | "pytorch" | "onnx";

const ENDINGS: Readonly<Record<string, Format>> = { ".safetensors": "gatewise", ".pt": "pytorch", ".pth": "pytorch", ".onnx": "onnx" };

/** The format that a file's name tells. @throws {UsageError} where it tells none */
export function formatOf(path: string): Format {
  const format = ENDINGS[extname(path).toLowerCase()];
  if (format) return format;
  throw new UsageError(`the name ${path} tells no format: end it in ${Object.keys(ENDINGS).join(", ")}, or give --to`);
}

/** What became of a file. */
export interface Converted {
  readonly file: string;
  readonly format: Format;
  readonly definition: Model<OutputDefinition>["definition"];
  /** Numbers in all tensors. */
  readonly parameters: number;
}

/** @throws {GatewiseError} as `loadPretrained`, `exportOnnx` and `stateDict`; errors of files name them */
export async function convertFile(input: string, output: string, format: Format, { pretrained, names }: Told): Promise<Converted> {
  const model = await loadNamed(input, pretrained);
  try {
    await writeBytes(output, await bytesOf(model, format, names));
    const parameters = Object.values(model.parameters()).reduce((sum, { data }) => sum + data.length, 0);
    return { file: output, format, definition: model.definition, parameters };
  } finally {
    model.dispose();
  }
}

async function bytesOf(model: Model<OutputDefinition>, format: Format, names: Told["names"]): Promise<Uint8Array> {
  if (format === "gatewise") return model.save();
  if (format === "onnx") return exportOnnx(model);
  if (format === "pytorch") return exportPyTorch(model, { map: names });
  return encodeSafetensors(await model.stateDict({ map: names }), { format: "pt" });
}

/** What hints are called on the command line. */
const OPTIONS: readonly (readonly [path: RegExp, options: string])[] = [
  [/^options\.output\b/, "--classes, --labels or --values, with --at"],
  [/^options\.layers\[\d+\]\.activation$/, "--activation"],
  [/^options\.map\b/, "--map, such as --map rnn=layers,fc=output"],
  [/^options\.path$/, "--path"],
  [/^options\.(layers|input|seed)\b/, "a JSON file as --hints"],
];

/** The option that would help, if one does. */
function optionFor({ code, path }: GatewiseError): string | undefined {
  if (code === "state_mismatch") return "--map, --partial";
  return code === "invalid_option" ? OPTIONS.find(([pattern]) => pattern.test(path))?.[1] : undefined;
}

async function loadNamed(path: string, pretrained: Told["pretrained"]): Promise<Model<OutputDefinition>> {
  try {
    return await namingFile(path, async () => (await loadPretrained<OutputDefinition>(path, pretrained)) as Model<OutputDefinition>);
  } catch (error) {
    if (!(error instanceof GatewiseError)) throw error;
    const option = optionFor(error);
    if (option === undefined) throw error;
    throw new GatewiseError(error.code, error.path.replace(/^options\./, ""), `${error.message}${error.message.endsWith("?") ? "" : "."} On the command line: ${option}`, { cause: error });
  }
}
