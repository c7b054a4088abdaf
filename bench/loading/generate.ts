// A model's file of any size, written as it is made: what `save` would write of a model with such weights.

import { open } from "node:fs/promises";

import { writeHeader } from "#native";
import type { ModelDefinition } from "gatewise";

/** Bytes that are made and written at once. */
const BLOCK = 4 << 20;

/** Writes a model of some `bytes`: a table of embeddings, and two layers of LSTM with half of all numbers. */
export async function writeModel(file: string, bytes: number): Promise<void> {
  const { definition, tensors } = modelOf(bytes / 4);
  const metadata = { gatewise: JSON.stringify({ version: 1, definition }) };
  const output = await open(file, "w");
  try {
    await output.write(writeHeader(JSON.stringify({ tensors, metadata })));
    const numbers = tensors.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
    // Which they are is all the same, as long as they are finite.
    const block = Float32Array.from({ length: BLOCK / 4 }, (_, index) => Math.sin(index) / 100);
    for (let left = numbers; left > 0; left -= block.length) {
      await output.write(new Uint8Array(block.buffer, 0, 4 * Math.min(left, block.length)));
    }
  } finally {
    await output.close();
  }
}

function modelOf(numbers: number): { definition: ModelDefinition; tensors: { name: string; type: "f32"; shape: number[] }[] } {
  // Two layers with as many inputs as units: 4·H·(H + H) numbers each, and biases.
  const units = Math.round(Math.sqrt(numbers / 2 / 16));
  const tokens = Math.round(numbers / 2 / units);
  const layer = (index: number) => [
    { name: `layers.${index}.weight_ih_l0`, shape: [4 * units, units] },
    { name: `layers.${index}.weight_hh_l0`, shape: [4 * units, units] },
    { name: `layers.${index}.bias_ih_l0`, shape: [4 * units] },
    { name: `layers.${index}.bias_hh_l0`, shape: [4 * units] },
  ];
  const tensors = [
    { name: "embedding.weight", shape: [tokens, units] },
    ...[0, 1].flatMap(layer),
    { name: "output.weight", shape: [1, units] },
    { name: "output.bias", shape: [1] },
  ];
  return {
    definition: { input: { tokens, embedding: units }, layers: [0, 1].map(() => ({ cell: "lstm" as const, units })), output: { values: 1 } },
    tensors: tensors.map(({ name, shape }) => ({ name, type: "f32" as const, shape })),
  };
}
