// brain.js as a worker of the benchmark: its `LSTMTimeStep` in its own forms. It takes one sequence at a time, trains by
// predicting every next step, and what it calls an LSTM keeps no cell state: its numbers are nobody else's.

import { readData } from "./files.js";
import { requirePeer } from "./peer-package.js";
import { type Job } from "./protocol.js";
import { type Work, serve } from "./serve.js";

type Sequence = readonly (readonly number[])[];

interface Network {
  train(sequences: readonly Sequence[], options: { iterations: number; errorThresh: number }): unknown;
  run(sequence: Sequence): ArrayLike<number>;
}

/** What is used of the package. */
interface Brain {
  readonly recurrent: { readonly LSTMTimeStep: new (options: { inputSize: number; hiddenLayers: readonly number[]; outputSize: number }) => Network };
}

const brain = requirePeer<Brain>("brain.js");

await serve(async (job): Promise<Work> => {
  const { steps, features, units } = job.shape;
  const { x } = readData(job.data);
  const sequence = Array.from({ length: steps }, (_, step) => [...x.subarray(step * features, (step + 1) * features)]);
  const network = new brain.recurrent.LSTMTimeStep({ inputSize: features, hiddenLayers: [units], outputSize: features });
  const train = (iterations: number) => network.train([sequence], { iterations, errorThresh: 0 });
  // It predicts only once it was trained.
  train(1);
  return { check: () => ({}), run: runOf(job, train, () => network.run(sequence)) };
});

function runOf({ operation }: Job, train: (iterations: number) => unknown, predict: () => unknown): (count: number) => void {
  if (operation === "training step") return (count) => void train(count);
  return (count) => {
    for (let done = 0; done < count; done++) predict();
  };
}
