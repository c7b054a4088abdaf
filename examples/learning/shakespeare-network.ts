// The network that both Gatewise and PyTorch train on Tiny Shakespeare, how it is trained, and how characters go in.

import { defineModel } from "gatewise";
import { type Windows, readText } from "./shakespeare-data.js";

/** All that PyTorch has to know beside the first weights and the text. */
export const SETTINGS = { seeds: [1, 2, 3], steps: 64, batch: 32, batches: 600, learningRate: 3e-3, clipNorm: 1 };
const UNITS = 128;

export const text = readText();
const size = text.alphabet.length;

// Characters as they go in: each a row with a single 1. An embedding would change these three, and nothing else.
const input = { features: size };

export function sequences({ n, steps, tokens }: Windows) {
  const x = new Float32Array(n * steps * size);
  tokens.forEach((token, place) => (x[place * size + token] = 1));
  return { x, shape: [n, steps, size] as const };
}

export function oneStep(token: number): Float32Array {
  return Float32Array.from({ length: size }, (_, place) => (place === token ? 1 : 0));
}

export function networkOf(seed: number) {
  const layer = { cell: "lstm", units: UNITS } as const;
  return defineModel({ input, layers: [layer, layer], output: { classes: text.alphabet, at: "each" }, seed });
}
