// What training one LSTM layer with a linear head and Adam has to hold at the same time, in bytes of f32.

import type { Shape } from "../shapes.js";

/** The parts of it. */
export interface NeededMemory {
  /** Of every valid step what the backward pass reads again: x, the four gates, the cell and the hidden state. */
  readonly activations: number;
  /** Parameters, their gradients, and Adam's two moments. */
  readonly parameters: number;
  /** The sequences themselves. */
  readonly data: number;
  readonly total: number;
}

const F32 = 4;

/** All steps are valid, and the batch is all the data there is. */
export function neededMemory({ batch, steps, features, units }: Shape, classes: number): NeededMemory {
  const activations = batch * steps * (features + 6 * units) * F32;
  const layer = 4 * units * (features + units) + 2 * 4 * units; // W_ih, W_hh, and PyTorch's two biases
  const head = classes * units + classes;
  const parameters = 4 * (layer + head) * F32;
  const data = batch * steps * features * F32;
  return { activations, parameters, data, total: activations + parameters + data };
}
