// What the weights start as, and what an LSTM's training makes of it: the figures of docs/initialisation.md.
//   npx tsx examples/learning/initialisation.ts

import { createModel, defineModel } from "gatewise";
import { readUcrTs } from "gatewise/data";
import { lengthsOf, sums } from "./adding-data.js";
import { gradientLeft, gradientNorm } from "./gradients.js";
import { INITIALISATIONS } from "./initialisations.js";
import { type Machine, type Row, runProgram } from "./program.js";
import { withBar } from "./progress.js";
import { randomFrom } from "./random.js";

/** What one seed came to. */
interface Run {
  /** The gradient's norm before the first step. */
  readonly gradient: number;
  /** Of the gradient by the last step's input, what is left at the first one's. */
  readonly left?: number;
  /** Epochs or batches until the training loss was as low as it had to be; infinite where it never was. */
  readonly reached: number;
  /** Of the test: accuracy, or the mean squared error. */
  readonly result: number;
}

/** A data set, and how often each initialisation is tried on it. */
interface Task {
  readonly columns: readonly [reached: string, result: string];
  readonly longest: number;
  readonly run: (initialisation: string, seed: number) => Promise<Run>;
}

const BATCH = 20;

/** The adding problem at its full length from the first batch on, of which every sequence is seen once. */
function adding({ steps, batches }: { readonly steps: number; readonly batches: number }, machine: Machine): Task {
  const [low, window] = [0.02, 50];
  return {
    columns: [`batches until the mean loss of ${window} is below ${low}`, "test MSE"],
    longest: steps,
    async run(name, seed) {
      const initialisation = INITIALISATIONS[name]?.(steps) ?? {};
      const [input, layers, output] = [{ features: 2 }, [{ cell: "lstm", units: 32 }], { values: 1 }] as const;
      const definition = defineModel({ input, layers, output, seed, initialisation });
      const random = randomFrom(seed);
      const training = sums(lengthsOf("full", batches * BATCH, steps), steps, random);
      const test = sums(lengthsOf("full", 1000, steps), steps, random);
      const [gradient, left] = [await gradientNorm(definition, test, machine), await gradientLeft(definition, test, machine)];
      using model = await createModel(definition, machine);
      const options = { epochs: 1, batchSize: BATCH, shuffle: false, clipNorm: 1, optimizer: { kind: "adam", learningRate: 0.005 } } as const;
      const { losses } = await withBar(`adding, ${name}, seed ${seed}`, (onProgress) => model.fit(training, { ...options, onProgress }));
      const reached = losses.findIndex((_, index) => index + 1 >= window && mean(losses.slice(index + 1 - window, index + 1)) < low) + 1;
      const { loss } = await model.evaluate(test);
      return { gradient, left, reached: reached || Infinity, result: loss };
    },
  };
}

async function vowels({ epochs }: { readonly epochs: number }, machine: Machine): Promise<Task> {
  const low = 0.1;
  const read = (part: string) => readUcrTs(new URL(`data/JapaneseVowels_${part}.ts.gz`, import.meta.url));
  const [training, test] = [await read("TRAIN"), await read("TEST")];
  return {
    columns: [`epochs until the loss is below ${low}`, "test accuracy"],
    longest: training.shape[1],
    async run(name, seed) {
      const { classes, shape } = training;
      const initialisation = INITIALISATIONS[name]?.(shape[1]) ?? {};
      const [input, layers] = [{ features: shape[2], scaling: "standard" }, [{ cell: "lstm", units: 64 }]] as const;
      const definition = defineModel({ input, layers, output: { classes }, seed, initialisation });
      const gradient = await gradientNorm(definition, training, machine);
      using model = await createModel(definition, machine);
      const options = { epochs, batchSize: 16, clipNorm: 1, optimizer: { kind: "adam", learningRate: 2e-3 } } as const;
      const history = await withBar(`vowels, ${name}, seed ${seed}`, (onProgress) => model.fit(training, { ...options, onProgress }));
      const reached = history.epochs.findIndex(({ loss }) => loss < low) + 1;
      const { accuracy } = await model.evaluate(test);
      return { gradient, reached: reached || Infinity, result: accuracy };
    },
  };
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The median of some seeds' figures and what they lie between; those that were never reached count as the largest. */
function spread(values: readonly number[], digits: (value: number) => string): string {
  const sorted = [...values].sort((a, b) => a - b);
  const say = (value: number | undefined) => (value === undefined || value === Infinity ? "–" : digits(value));
  const [low, median, high] = [sorted[0], sorted[(sorted.length - 1) >> 1], sorted.at(-1)].map(say);
  return low === high ? (median ?? "") : `${median} (${low} to ${high})`;
}

function markdown(name: string, { columns: [reached, result] }: Task, rows: ReadonlyMap<string, readonly Run[]>): string {
  const exponential = (value: number) => value.toExponential(0);
  const columnOf = (digits: (value: number) => string, of: (run: Run) => number) => (runs: readonly Run[]) => spread(runs.map(of), digits);
  const cells = [
    ["gradient norm at the start", columnOf((value) => value.toPrecision(2), ({ gradient }) => gradient)],
    ["left of it at the first step", columnOf(exponential, ({ left }) => left ?? NaN)],
    [reached, columnOf(String, (run) => run.reached)],
    [result, columnOf((value) => value.toFixed(name === "vowels" ? 3 : 4), (run) => run.result)],
  ] as const;
  const shown = cells.filter((_, index) => index !== 1 || name === "adding");
  const head = ["initialisation", ...shown.map(([title]) => title)];
  const lines = [...rows].map(([initialisation, runs]) => [initialisation].concat(shown.map(([, cell]) => cell(runs))));
  return [head, head.map(() => "---"), ...lines].map((line) => `| ${line.join(" | ")} |`).join("\n");
}

await runProgram({
  name: "initialisation",
  about: "Trains an LSTM from weights of different initialisations, on the adding problem and on JapaneseVowels.",
  choices: { data: [["adding", "vowels"], "which data"], initialisations: [Object.keys(INITIALISATIONS), "which initialisations"] },
  numbers: {
    seeds: [3, "how many seeds, from 1 on"],
    steps: [100, "steps of the adding problem"],
    batches: [2000, `batches of the adding problem, ${BATCH} sequences each`],
    epochs: [60, "passes over JapaneseVowels"],
  },
  async run({ data, initialisations, seeds, steps, batches, epochs, ...machine }) {
    const tasks: Readonly<Record<string, () => Task | Promise<Task>>> = {
      adding: () => adding({ steps, batches }, machine),
      vowels: () => vowels({ epochs }, machine),
    };
    const all: Row[] = [];
    for (const name of data) {
      const task = await tasks[name]?.();
      if (task === undefined) continue;
      const rows = new Map<string, Run[]>();
      for (const initialisation of initialisations) {
        const runs: Run[] = [];
        for (let seed = 1; seed <= seeds; seed++) {
          const run = await task.run(initialisation, seed);
          runs.push(run);
          const learned = run.reached < Infinity;
          all.push({ data: name, initialisation, seed, ...run, reached: learned ? run.reached : null, learned });
        }
        rows.set(initialisation, runs);
      }
      console.log(`\n${markdown(name, task, rows)}\n`);
    }
    return all;
  },
});
