// Copy memory: can an LSTM keep ten symbols over a hundred blank steps?
//   npx tsx examples/learning/copy.ts

import { createModel, defineModel } from "gatewise";
import { CLASSES, FEATURES, REMEMBERED, copies, memorylessLoss, risingDelays, stepsOf } from "./copy-data.js";
import { type Machine, type Row, describeRun, runProgram } from "./program.js";
import { withBar } from "./progress.js";
import { randomFrom } from "./random.js";

const BATCH = 20;
const SETTLING_BATCHES = 100;
const TEST_SEQUENCES = 500;
/** The part of the symbols that has to come back right. A guess has 1 in 8. */
const LEARNED = 0.99;

interface Settings extends Machine {
  readonly delay: number;
  readonly batches: number;
  readonly units: number;
  readonly seed: number;
}

async function learn({ delay, batches, units, seed, ...machine }: Settings): Promise<Row> {
  const output = { classes: CLASSES, at: "each" } as const;
  const definition = defineModel({ input: { features: FEATURES }, layers: [{ cell: "lstm", units }], output, seed });
  const random = randomFrom(seed);
  const training = copies(risingDelays(batches * BATCH, delay, random), random);
  const last = copies(new Uint32Array(SETTLING_BATCHES * BATCH).fill(delay), random);
  const test = copies(new Uint32Array(TEST_SEQUENCES).fill(delay), random);

  using model = await createModel(definition, machine);
  const started = performance.now();
  // Every sequence is seen once, in the order in which it was made.
  const options = { epochs: 1, batchSize: BATCH, shuffle: false, clipNorm: 1 } as const;
  const learning = { kind: "adam", learningRate: 0.01 } as const;
  await withBar("learns  ", (onProgress) => model.fit(training, { ...options, optimizer: learning, onProgress }));
  // At that rate the loss jumps up now and then. A few small steps at the end make where it stops no matter of luck.
  const settling = { kind: "adam", learningRate: 0.001 } as const;
  await withBar("settles ", (onProgress) => model.fit(last, { ...options, optimizer: settling, onProgress }));
  console.log(describeRun(model.backend, batches + SETTLING_BATCHES, started));
  const { loss } = await model.evaluate(test);
  // The same test, of which only the symbols' steps count.
  const { accuracy: recall } = await model.evaluate({ ...test, weights: symbolsOnly(delay) });
  const guess = memorylessLoss(delay);
  return { network: "lstm", units, delay, batches, batch: BATCH, seed, loss, "without memory": guess, recall, learned: recall > LEARNED && loss < guess / 10 };
}

/** [n, steps] 1 where the symbols are to be said again, 0 elsewhere. */
function symbolsOnly(delay: number): Float32Array {
  const steps = stepsOf(delay);
  return Float32Array.from({ length: TEST_SEQUENCES * steps }, (_, place) => (place % steps >= steps - REMEMBERED ? 1 : 0));
}

await runProgram({
  name: "copy",
  about: "Trains an LSTM on copy memory: ten symbols, blank steps, and the symbols again.",
  choices: {},
  numbers: {
    delay: [100, "steps between the last symbol and the first of the answer"],
    batches: [2500, `batches of ${BATCH} fresh sequences`],
    units: [128, "units"],
    seed: [7, "of the data and the first weights"],
  },
  run: async (settings) => [await learn(settings)],
});
