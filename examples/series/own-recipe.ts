// Recipes for a few dozen short series: fewer and wider steps, copies of the series that differ a little, and a recurrent layer.

import { type LayerDefinition } from "gatewise/layers";
import { type Model, createModel, defineModel } from "gatewise";
import type { Machine } from "../learning/program.js";
import { randomFrom } from "../learning/random.js";
import type { Labelled } from "../learning/recipe.js";
import { type Patches, type Variation, patched, varied } from "./series.js";

export interface OwnRecipe {
  /** Of the numbers of a step, over the training part. */
  readonly scaling: "none" | "standard";
  readonly patches: Patches;
  readonly variation: Variation;
  readonly layers: readonly LayerDefinition[];
  /** From which steps the classes are told. */
  readonly at: "last" | "mean" | "max" | "attention";
  /** The part of what the output reads that training drops. */
  readonly dropout: number;
  readonly epochs: number;
  readonly batchSize: number;
  /** The largest learning rate of the one-cycle schedule. */
  readonly peak: number;
  /** Of AdamW. */
  readonly weightDecay: number;
}

/** Trains a model; its seed draws the copies too. */
export async function train(training: Labelled, recipe: OwnRecipe, seed: number, machine: Machine): Promise<Model> {
  const { scaling, patches, variation, layers, at, dropout, epochs, batchSize, peak, weightDecay } = recipe;
  const data = patched(varied(training, variation, randomFrom(seed)), patches);
  const definition = defineModel({
    input: { features: data.shape[2], scaling },
    layers,
    output: { classes: training.classes, at, dropout },
    initialisation: { scheme: "pytorch", forgetBias: 1 },
    seed,
  });
  const model = await createModel(definition, machine);
  const learningRate = { schedule: "one-cycle", peak } as const;
  await model.fit(data, { epochs, batchSize, clipNorm: 1, optimizer: { kind: "adamw", learningRate, weightDecay } });
  return model;
}

/** Trains a model and tells its accuracy and loss on other series. */
export async function trainAndTest(
  training: Labelled,
  test: Labelled,
  recipe: OwnRecipe,
  seed: number,
  machine: Machine,
): Promise<{ accuracy: number; loss: number }> {
  using model = await train(training, recipe, seed, machine);
  const { accuracy, loss } = await model.evaluate(patched(test, recipe.patches));
  return { accuracy, loss };
}
