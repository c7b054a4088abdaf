// One recipe for classes of sequences, whatever they are: images row by row, gestures, voices. A recurrent layer whose final hidden
// states go into one linear layer; PyTorch's first weights, but that the forget gate's bias in `bias_ih` is 1; Adam on a one-cycle
// schedule over all steps; the test part is looked at once, at the end.

import { type NumberSequences, createModel, defineModel } from "gatewise";
import type { Machine } from "./program.js";
import { withBar } from "./progress.js";

/** Sequences with a class each, and the names of all classes. */
export interface Labelled extends NumberSequences {
  readonly targets: readonly string[];
  readonly classes: readonly string[];
}

export interface Split {
  readonly training: Labelled;
  readonly test: Labelled;
}

/** What is chosen by the kind of the data. */
export interface Recipe {
  readonly units: number;
  readonly bidirectional: boolean;
  /** `"standard"`: each feature by mean and deviation over the training part's steps. */
  readonly scaling: "none" | "standard";
  readonly batchSize: number;
  readonly epochs: number;
}

/** A data set, how it is learned, and what PyTorch makes of it by the same recipe. */
export interface Task {
  readonly dataset: string;
  /** What stands above the bars. */
  readonly about: string;
  /** Reads it out of the user's folder. */
  readonly read: (folder: string) => Promise<Split>;
  readonly recipe: (training: Labelled) => Recipe;
  /** The lowest and the highest accuracy of PyTorch's seeds. */
  readonly pytorch: readonly [low: number, high: number];
}

/** The accuracy over the test part of a model of this seed. */
export async function learn(name: string, { training, test }: Split, recipe: Recipe, seed: number, machine: Machine): Promise<number> {
  const { units, bidirectional, scaling, batchSize, epochs } = recipe;
  const definition = defineModel({
    input: { features: training.shape[2], scaling },
    layers: [{ cell: "lstm", units, bidirectional }],
    output: { classes: training.classes },
    initialisation: { scheme: "pytorch", forgetBias: 1 },
    seed,
  });
  using model = await createModel(definition, machine);
  const optimizer = { kind: "adam", learningRate: { schedule: "one-cycle", peak: 4e-3 } } as const;
  await withBar(`${name}, seed ${seed}`, (onProgress) => model.fit(training, { epochs, batchSize, clipNorm: 1, optimizer, onProgress }));
  return (await model.evaluate(test)).accuracy;
}
