// JapaneseVowels: which of nine men said it? Each recurrent layer on the archive's own split.
//   npx tsx examples/learning/vowels.ts

import { createModel, defineModel } from "gatewise";
import { readUcrTs } from "gatewise/data";
import { type Machine, type Row, describeRun, runProgram } from "./program.js";
import { withBar } from "./progress.js";

const read = (part: string) => readUcrTs(new URL(`data/JapaneseVowels_${part}.ts.gz`, import.meta.url));
const [training, test] = [await read("TRAIN"), await read("TEST")];

const UNITS = 64;
const NETWORKS = {
  lstm: { cell: "lstm", units: UNITS },
  gru: { cell: "gru", units: UNITS },
  rnn: { cell: "rnn", units: UNITS },
  bidirectional: { cell: "lstm", units: UNITS, bidirectional: true },
} as const;

/** A constant learning rate: half the peak of a one-cycle schedule to 4e-3, which is about that schedule's mean. */
const TRAINING = { batchSize: 16, clipNorm: 1, optimizer: { kind: "adam", learningRate: 2e-3 } } as const;

/** What the nearest neighbour by Euclidean distance reaches, over all channels: [the archive's figure](README.md). */
const NEAREST_NEIGHBOUR = 0.922;
/** The same by dynamic time warping. */
const DTW = 0.949;

async function learn(name: keyof typeof NETWORKS, epochs: number, seed: number, machine: Machine): Promise<Row> {
  const { classes, shape } = training;
  const input = { features: shape[2], scaling: "standard" } as const; // mean and deviation of the training part's steps
  const definition = defineModel({ input, layers: [NETWORKS[name]], output: { classes }, seed });
  using model = await createModel(definition, machine);
  const started = performance.now();
  const { losses } = await withBar(name.padEnd(13), (onProgress) => model.fit(training, { ...TRAINING, epochs, onProgress }));
  console.log(describeRun(model.backend, losses.length, started));
  const { accuracy, loss } = await model.evaluate(test);
  return { network: name, units: UNITS, epochs, seed, accuracy, loss, "1-NN DTW": DTW, learned: accuracy > NEAREST_NEIGHBOUR };
}

await runProgram({
  name: "vowels",
  about: "Trains each recurrent layer to tell nine speakers by two vowels.",
  choices: { networks: [Object.keys(NETWORKS), "which networks"] },
  numbers: { epochs: [60, "passes over the 270 training series"], seeds: [3, "how many seeds, from 1 on"] },
  async run({ networks, epochs, seeds, ...machine }) {
    const rows: Row[] = [];
    for (const name of networks) {
      for (let seed = 1; seed <= seeds; seed++) rows.push(await learn(name as keyof typeof NETWORKS, epochs, seed, machine));
    }
    return rows;
  },
});
