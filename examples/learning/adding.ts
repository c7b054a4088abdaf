// The adding problem: can a recurrent network carry two numbers over hundreds of steps of noise?
//   npx tsx examples/learning/adding.ts

import { createModel, defineModel } from "gatewise";
import { GUESS, lengthsOf, sums } from "./adding-data.js";
import { type Machine, type Row, describeRun, runProgram } from "./program.js";
import { withBar } from "./progress.js";
import { randomFrom } from "./random.js";

const BATCH = 20;
const TEST_SEQUENCES = 2000;
/** A hundredth of which is noise to the eye: the constant guess has 0.167. */
const LEARNED = 0.01;

/** What is trained, each with the batches that it takes, several times over, until it has learned 400 steps. */
const NETWORKS = {
  // The plain LSTM finds no way from the constant guess in 5,000 batches of 400 steps. Of short sequences it learns the task
  // within seconds, and then keeps it while they grow.
  lstm: { layer: { cell: "lstm", units: 32 }, lengths: "rising", learningRate: 0.01 },
  // These two learn it at full length from the first batch on.
  coupled: { layer: { cell: "lstm", units: 32, coupledGates: true }, lengths: "full", learningRate: 0.005 },
  gru: { layer: { cell: "gru", units: 32 }, lengths: "full", learningRate: 0.005 },
} as const;

interface Settings extends Machine {
  readonly steps: number;
  readonly batches: number;
  readonly seed: number;
}

async function learn(name: keyof typeof NETWORKS, { backend, threads, steps, batches, seed }: Settings): Promise<Row> {
  const { layer, lengths, learningRate } = NETWORKS[name];
  const definition = defineModel({ input: { features: 2 }, layers: [layer], output: { values: 1 }, seed });
  const random = randomFrom(seed);
  const training = sums(lengthsOf(lengths, batches * BATCH, steps), steps, random);
  const test = sums(lengthsOf("full", TEST_SEQUENCES, steps), steps, random);

  using model = await createModel(definition, { backend, threads });
  const started = performance.now();
  // Every sequence is seen once, in the order in which it was made.
  const options = { epochs: 1, batchSize: BATCH, shuffle: false, clipNorm: 1, optimizer: { kind: "adam", learningRate } } as const;
  const history = await withBar(name.padEnd(7), (onProgress) => model.fit(training, { ...options, onProgress }));
  console.log(describeRun(model.backend, history.steps, started));
  const { loss, mae } = await model.evaluate(test);
  return { network: name, steps, units: layer.units, lengths, batches, batch: BATCH, learningRate, seed, mse: loss, mae, guess: GUESS, learned: loss < LEARNED };
}

await runProgram({
  name: "adding",
  about: "Trains networks on the adding problem: the sum of the two marked numbers of a long sequence.",
  choices: { networks: [Object.keys(NETWORKS), "which networks"] },
  numbers: {
    steps: [400, "steps of a sequence"],
    batches: [2000, `batches of ${BATCH} fresh sequences`],
    seed: [7, "of the data and the first weights"],
  },
  async run({ networks, ...settings }) {
    const rows: Row[] = [];
    for (const name of networks) rows.push(await learn(name as keyof typeof NETWORKS, settings));
    return rows;
  },
});
