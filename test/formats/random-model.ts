// A model with random weights, and random sequences for it: all of it from a seed. Weights get into a model by its file.

import { type MachineOptions, type Model, type ModelDefinition, createModel, loadModel } from "gatewise";

import { randomNumbers } from "../facade/support.js";
import type { NetworkCase } from "./random-definition.js";

type AnyModel = Model<ModelDefinition["output"]>;

/** A tensor's entry in the header of a safetensors file. */
interface Entry {
  readonly shape: readonly number[];
  readonly data_offsets: readonly [start: number, end: number];
}

/** A model whose every tensor is random: pre-activations are of size 1, so that no gate saturates and every term counts. */
export async function randomModel(definition: ModelDefinition, seed: number, options: MachineOptions = { threads: 1 }): Promise<AnyModel> {
  using empty = await createModel(definition, options);
  const file = await empty.save();
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const start = 8 + Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, start))) as Record<string, Entry>;
  delete header["__metadata__"];
  const random = randomNumbers(seed);
  for (const [name, { shape, data_offsets: [from, to] }] of Object.entries(header)) {
    for (let at = from; at < to; at += 4) view.setFloat32(start + at, numberOf(name, shape, random()), true);
  }
  return loadModel<ModelDefinition["output"]>(file, options);
}

/**
 * A number of a tensor, made of one between -1 and 1. The output's biases are around 1, so that no prediction is a difference of
 * nearly equal numbers, of which few digits would be left.
 */
function numberOf(name: string, shape: readonly number[], random: number): number {
  if (/gain|deviation|norm\.weight|output\.bias/.test(name)) return 1 + random / 2;
  const [, inputs] = shape;
  if (inputs === undefined || /peephole|embedding/.test(name)) return random;
  return random / Math.sqrt(inputs);
}

/** What a model reads, in the arrays of `Model.run`. */
export interface RandomInputs {
  readonly x?: Float32Array;
  readonly tokens?: Uint32Array;
  readonly statics?: Float32Array;
  readonly lengths: Uint32Array;
}

/** Sequences for the model of a case; in the padding stands what must not be read. */
export function randomInputs({ definition, lengths, steps, seed }: NetworkCase): RandomInputs {
  const random = randomNumbers(seed + 1);
  const { features, tokens, statics } = definition.input;
  const n = lengths.length;
  const token = (count: number) => Math.floor(((random() + 1) / 2) * count) % count;
  const isValid = (step: number) => step % steps < (lengths[Math.floor(step / steps)] ?? 0);
  return {
    ...(features !== undefined && {
      x: Float32Array.from({ length: n * steps * features }, (_, at) => (isValid(Math.floor(at / features)) ? random() : Number.NaN)),
    }),
    ...(tokens !== undefined && {
      tokens: Uint32Array.from({ length: n * steps }, (_, at) => (isValid(at) ? token(tokens) : 2 ** 32 - 1)),
    }),
    ...(statics !== undefined && { statics: Float32Array.from({ length: n * statics }, random) }),
    lengths: Uint32Array.from(lengths),
  };
}
