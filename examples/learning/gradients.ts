// How large gradients are before the first step, of models whose definition has one layer.

import { type ModelDefinition, type NumberSequences, createModel } from "gatewise";
import { createLayer } from "gatewise/layers";
import type { Machine } from "./program.js";

/** The largest batch that the core takes. */
const ALL = 1 << 20;

/** Sequences of numbers, with a number or a class for each. */
type Labelled<Targets> = NumberSequences & { readonly targets: Targets };

/**
 * The norm of the gradient of the mean loss over all of `data`, by all parameters. The library keeps gradients to itself, but a step
 * of plain gradient descent with a learning rate of 1 takes exactly one of them from the weights; rounding the weights leaves some
 * six digits of it.
 */
export async function gradientNorm(
  definition: ModelDefinition<string> | ModelDefinition<{ values: 1 }>,
  data: Labelled<Float32Array | readonly string[]>,
  machine: Machine,
): Promise<number> {
  using model = await createModel(definition as ModelDefinition, machine);
  const trained = () => Object.entries(model.parameters()).filter(([name]) => !name.startsWith("input."));
  const before = new Map(trained());
  await model.fit(data as never, { epochs: 1, batchSize: ALL, shuffle: false, optimizer: { kind: "sgd", learningRate: 1 } });
  let squares = 0;
  for (const [name, { data: after }] of trained()) {
    after.forEach((weight, index) => (squares += ((before.get(name)?.data[index] ?? 0) - weight) ** 2));
  }
  return Math.sqrt(squares);
}

/**
 * How much of a gradient goes all the way back: that of the sum of the final hidden states by the input of the first step, over that
 * by the input of the last one; norms over all sequences, which are equally long.
 */
export async function gradientLeft(definition: ModelDefinition<{ values: 1 }>, { x, shape }: NumberSequences, machine: Machine): Promise<number> {
  using model = await createModel(definition, machine);
  const [n, steps, inputs] = shape;
  const [first] = definition.layers;
  if (first === undefined) throw new Error("there is no layer to go back through");
  using layer = await createLayer(first, { inputs, ...machine });
  const parameters = model.parameters();
  const names = Object.keys(layer.parameters());
  layer.setParameters(Object.fromEntries(names.map((name) => [name, parameters[`layers.0.${name}`]?.data ?? new Float32Array()])));
  const { finalHidden } = layer.forward({ x, shape });
  const gradients = layer.backward({ finalHidden: new Float32Array(finalHidden.length).fill(1) });
  const norm = (step: number) => {
    let squares = 0;
    for (let sequence = 0; sequence < n; sequence++) {
      const start = (sequence * steps + step) * inputs;
      for (const gradient of gradients.x.subarray(start, start + inputs)) squares += gradient ** 2;
    }
    return Math.sqrt(squares);
  };
  return norm(0) / norm(steps - 1);
}
