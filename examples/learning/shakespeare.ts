// A language model of characters on Tiny Shakespeare, beside PyTorch's losses from the same first weights on the same batches.
//   npx tsx examples/learning/shakespeare.ts

import { readFileSync } from "node:fs";
import { type Model, createModel } from "gatewise";
import { type Machine, type Row, describeRun, runProgram } from "./program.js";
import { withBar } from "./progress.js";
import { type Random, randomFrom } from "./random.js";
import { trainingWindows, validationWindows } from "./shakespeare-data.js";
import { SETTINGS, networkOf, sequences, text } from "./shakespeare-network.js";

/** Batches of which each loss has to be PyTorch's: rounding to f32 has not yet grown to what shows. */
const FIRST = 20;
/** How far each may be from PyTorch's, as a part of it. */
const SAME = 1e-5;
/** Batches whose mean loss stands for the end of training. */
const LAST = 50;

type LanguageModel = Model<ReturnType<typeof networkOf>["output"]>;

/** What `shakespeare.py` writes. */
interface Reference {
  readonly torch: string;
  readonly settings: typeof SETTINGS;
  readonly runs: readonly Run[];
}

interface Run {
  readonly seed: number;
  /** Of each batch, before its step. */
  readonly losses: readonly number[];
  /** The loss over the validation's windows at the end. */
  readonly validation: number;
}

async function learn(seed: number, batches: number, reference: Reference, machine: Machine): Promise<Row> {
  const { steps, batch, learningRate, clipNorm } = SETTINGS;
  using model = await createModel(networkOf(seed), machine);
  const windows = trainingWindows(text.training, batches * batch, steps);
  const options = { epochs: 1, batchSize: batch, shuffle: false, clipNorm, optimizer: { kind: "adam", learningRate } } as const;
  const started = performance.now();
  const data = { ...sequences(windows), targets: windows.targets };
  const { losses } = await withBar(`seed ${seed}`, (onProgress) => model.fit(data, { ...options, onProgress }));
  console.log(describeRun(model.backend, losses.length, started));
  console.log(`\n${write(model, "ROMEO:", 300, randomFrom(seed))}\n`);
  const { same, ...first } = compareLosses(losses, runOf(seed, reference));
  const { reached, ...end } = await compareEnds(model, batches, seed, reference);
  return { seed, batches, ...first, ...end, learned: same && reached };
}

function compareLosses(losses: readonly number[], theirs: Run) {
  const deviations = losses.slice(0, FIRST).map((loss, step) => Math.abs(loss / (theirs.losses[step] ?? NaN) - 1));
  const apart = Math.max(...deviations);
  const last = losses.slice(-LAST);
  const theirLast = losses.length > theirs.losses.length ? [] : theirs.losses.slice(0, losses.length).slice(-LAST);
  return { [`first ${FIRST}, apart by`]: apart, loss: mean(last), "PyTorch's": theirLast.length > 0 ? mean(theirLast) : null, same: apart < SAME };
}

/** Validation beside PyTorch's, after as many batches: what counts is how far PyTorch's own seeds are apart. */
async function compareEnds(model: LanguageModel, batches: number, seed: number, reference: Reference) {
  if (batches !== SETTINGS.batches) return { reached: true };
  const windows = validationWindows(text.validation, SETTINGS.steps);
  const { loss: validation, perplexity } = await model.evaluate({ ...sequences(windows), targets: windows.targets });
  const theirs = runOf(seed, reference).validation;
  const all = reference.runs.map((run) => run.validation);
  const spread = Math.max(...all) - Math.min(...all);
  return { validation, "PyTorch's validation": theirs, "spread of its seeds": spread, perplexity, reached: validation < theirs + spread };
}

function runOf(seed: number, { runs }: Reference): Run {
  const run = runs.find((run) => run.seed === seed);
  if (run === undefined) throw new Error(`shakespeare.json has no seed ${seed}: run shakespeare.py again`);
  return run;
}

/** Lets the model write on: each character is drawn as probable as the model finds it, made bolder by a temperature of 0.8. */
function write(model: LanguageModel, prompt: string, length: number, random: Random): string {
  using stream = model.stream();
  const probabilities = new Float32Array(text.alphabet.length);
  let written = prompt;
  for (const character of prompt) stream.run(text.alphabet.indexOf(character), probabilities);
  while (written.length < length) {
    const token = draw(probabilities, 0.8, random);
    written += text.alphabet[token];
    stream.run(token, probabilities);
  }
  return written;
}

function draw(probabilities: Float32Array, temperature: number, random: Random): number {
  const weights = probabilities.map((probability) => probability ** (1 / temperature));
  let left = random() * weights.reduce((sum, weight) => sum + weight, 0);
  const drawn = weights.findIndex((weight) => (left -= weight) < 0);
  return drawn < 0 ? probabilities.length - 1 : drawn;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function readReference(): Reference {
  const reference = JSON.parse(readFileSync(new URL("shakespeare.json", import.meta.url), "utf8")) as Reference;
  if (JSON.stringify(reference.settings) !== JSON.stringify(SETTINGS)) throw new Error("shakespeare.json is of other settings: run shakespeare.py again");
  return reference;
}

await runProgram({
  name: "shakespeare",
  about: "Trains a language model of characters on Tiny Shakespeare, beside PyTorch's losses, and lets it write.",
  choices: { seeds: [SETTINGS.seeds.map(String), "which of the seeds"] },
  numbers: { batches: [SETTINGS.batches, "batches to train on; of fewer than that, only the losses are compared"] },
  async run({ seeds, batches, ...machine }) {
    const reference = readReference();
    const rows: Row[] = [];
    for (const seed of seeds) rows.push(await learn(Number(seed), batches, reference, machine));
    return rows;
  },
});
