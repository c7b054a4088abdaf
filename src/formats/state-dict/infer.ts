// A definition out of a state dict under our names: sizes are read from shapes, meanings are asked for.

import { GatewiseError } from "../../errors.js";
import type { InputDefinition } from "../../generated/core.js";
import type { ModelDefinition } from "../../model/definition.js";
import type { OutputDefinition } from "../../model/outputs.js";
import { isSameShape } from "../../shape.js";
import { type Hints, question } from "./hints.js";
import { type InferredLayer, inferLayers, outputsOf } from "./layers.js";
import type { Renamed, RenamedState } from "./map.js";
import type { Shapes } from "./match.js";
import { isPlace, splitName } from "./names.js";

/**
 * The definition of the network that the tensors are of.
 *
 * @throws {GatewiseError} `invalid_option` with the hint that is needed; `state_mismatch` where it is no network of ours
 */
export async function inferFrom({ tensors, questions }: RenamedState, hints: Hints): Promise<ModelDefinition> {
  if (questions.length > 0) throw question("map", questions.join("; "));
  const shapes: Shapes = new Map(Array.from(tensors, ([name, { tensor }]) => [name, tensor.shape]));
  const layers = inferLayers(shapes, hints);
  if (hints.strict !== false) assertAllPlaced(tensors);
  const input = inferInput(shapes, layers, hints);
  const output = await inferOutput(tensors, shapes, layers, hints);
  const { seed } = hints;
  return { input, layers, output, ...(seed !== undefined && { seed }) } as unknown as ModelDefinition;
}

/** What has no place is no part of a model: activations leave no tensors, but the maps around them do. */
function assertAllPlaced(tensors: ReadonlyMap<string, Renamed>): void {
  const left = Array.from(tensors).filter(([name]) => !isPlace(splitName(name)[0]));
  const [first] = left;
  if (!first) return;
  const names = left.map(([, { source }]) => source);
  const shown = names.slice(0, 12).join(", ") + (names.length > 12 ? ` and ${names.length - 12} more` : "");
  const message = `no part of a model is made of ${shown}. A model is an embedding, recurrent layers and one linear map as its head; convolutions, heads of several linear maps and maps before the layers are none of it. map says where modules belong, strict: false passes over the others`;
  throw new GatewiseError("state_mismatch", names[0] ?? "", message);
}

/** A step's input is its numbers, then its token's embedding, then the statics that are joined there. */
function inferInput(shapes: Shapes, layers: readonly InferredLayer[], { input = {} }: Hints): InputDefinition {
  const reads = shapes.get("layers.0.weight_ih_l0")?.[1] ?? 0;
  const [tokens, embedding = 0] = shapes.get("embedding.weight") ?? [];
  const initial = shapes.get("initial.weight");
  const scaling = shapes.has("input.mean") || shapes.has("statics.mean") ? { scaling: "standard" as const } : {};
  const statics = initial ? { statics: initial[1] ?? 0, staticsAs: "states" as const } : {};
  const known = { ...scaling, ...statics, ...(input as Partial<InputDefinition>) };
  const joined = known.staticsAs === "states" ? 0 : (known.statics ?? 0);
  const left = reads - embedding - joined;
  if (left < 0) {
    const message = `the first layer reads ${reads} numbers a step, fewer than the embedding's ${embedding}${joined > 0 ? ` and ${joined} statics` : ""}`;
    throw new GatewiseError("state_mismatch", "layers.0.weight_ih_l0", `${message}: what stands between them is none of a model's`);
  }
  if (tokens !== undefined && left > 0 && known.features === undefined) {
    const message = `the first layer reads ${reads} numbers a step, ${left} more than the embedding has: give input: { features: ${left} } if they come before the embedding, or input: { statics: ${left} } for numbers of the whole sequence after it`;
    throw question("input.features", message);
  }
  const token = tokens === undefined ? {} : { tokens, embedding };
  return { ...(left > 0 && { features: left }), ...token, ...known };
}

async function inferOutput(tensors: ReadonlyMap<string, Renamed>, shapes: Shapes, layers: readonly InferredLayer[], { output }: Hints): Promise<OutputDefinition> {
  const [rows, columns] = shapes.get("output.weight") ?? shapes.get("output.bias") ?? [];
  const given = output as OutputDefinition | undefined;
  const attention = shapes.get("attention.weight");
  if (!given || kindsOf(given) !== 1 || (given.at === undefined && !attention)) throw askForOutput(rows, given);
  const outputs = outputsOf(layers.at(-1) as InferredLayer);
  const tied = await isTied(tensors, shapes);
  const inferred: OutputDefinition = {
    ...(attention && { at: "attention" }),
    ...(attention && attention[0] !== outputs && { attentionUnits: attention[0] }),
    ...(shapes.has("output.norm.weight") && { norm: true }),
    ...(tied && { tied: true }),
    ...given,
  };
  assertRows(rows, inferred);
  if (columns !== undefined && columns !== outputs) {
    const message = `the head reads ${columns} numbers, the last layer gives ${outputs}: a model's head is one linear map of what the last layer gives`;
    throw new GatewiseError("state_mismatch", "output.weight", message);
  }
  return inferred;
}

function kindsOf(output: OutputDefinition): number {
  return ["classes", "labels", "values"].filter((kind) => kind in output).length;
}

function askForOutput(rows: number | undefined, given: OutputDefinition | undefined): GatewiseError {
  const many = rows === undefined ? "" : ` ${rows} numbers of the`;
  const names = Array.from({ length: Math.min(rows ?? 2, 3) }, (_, index) => `"class ${index}"`).join(", ");
  const example = `output: { classes: [${names}${(rows ?? 2) > 3 ? ", …" : ""}], at: "last" }`;
  if (given && kindsOf(given) === 1) {
    return question("output.at", `a file does not say which steps the output is computed from: give output.at, "last" for PyTorch's h_n, "each", "mean", "max" or "attention"`);
  }
  return question("output", `a file does not say what the${many} output mean: give ${example}, or { labels: […] }, or { values: ${rows ?? 1} }, with the steps that they come from as at`);
}

/** The head has a row for each number of a prediction. */
function assertRows(rows: number | undefined, output: OutputDefinition): void {
  const [kind, expected] =
    "classes" in output ? (["classes", output.classes.length] as const) : "labels" in output ? (["labels", output.labels.length] as const) : (["values", output.values * (output.steps ?? 1) * (output.quantiles?.length ?? 1)] as const);
  if (rows === undefined || rows === expected) return;
  throw question(`output.${kind}`, `the head has ${rows} outputs, output.${kind} comes to ${expected}: give as many`);
}

/** Whether the embeddings are the head's weights too: there are no others, or they are the same numbers. */
async function isTied(tensors: ReadonlyMap<string, Renamed>, shapes: Shapes): Promise<boolean> {
  const [embedding, head] = [tensors.get("embedding.weight"), tensors.get("output.weight")];
  if (!embedding) return false;
  if (!head) return shapes.get("output.bias")?.[0] === embedding.tensor.shape[0];
  return isSame(embedding, head);
}

/** Whether two tensors hold the same numbers. */
export async function isSame({ tensor: a }: Renamed, { tensor: b }: Renamed): Promise<boolean> {
  if (!isSameShape(a.shape, b.shape)) return false;
  const [numbers, others] = [await a.read(), await b.read()];
  return numbers.every((value, index) => Object.is(value, others[index]));
}
