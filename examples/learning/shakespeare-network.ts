// The network that both Gatewise and PyTorch train on Tiny Shakespeare, how it is trained, and how characters go in: as tokens.

import { defineModel } from "gatewise";
import { type Windows, readText } from "./shakespeare-data.js";

/** All that PyTorch has to know beside the first weights and the text. */
export const SETTINGS = { seeds: [1, 2, 3], embedding: 64, units: 128, steps: 64, batch: 32, batches: 600, learningRate: 3e-3, clipNorm: 1 };

export const text = readText();

export function sequences({ n, steps, tokens }: Windows) {
  return { tokens, shape: [n, steps] as const };
}

export function networkOf(seed: number) {
  const layer = { cell: "lstm", units: SETTINGS.units } as const;
  const size = text.alphabet.length;
  return defineModel({ input: { tokens: size, embedding: SETTINGS.embedding }, layers: [layer, layer], output: { classes: text.alphabet, at: "each" }, seed });
}
