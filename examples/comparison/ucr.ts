// Sets of the UCR/UEA archive: recurrent networks beside nearest neighbours and logistic regression, on the archive's own splits.
//   npx tsx examples/comparison/ucr.ts --data DIR

import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { compare, nearestNeighbour } from "gatewise/baselines";
import { readUcrTs } from "gatewise/data";
import { accuracy } from "gatewise/metrics";

import { report, runProgram, running } from "./program.js";

/** The accuracies of 1-NN by Euclid and by DTW with any path, as the archive and its readers print them. */
const PUBLISHED = {
  GunPoint: [0.913, 0.907],
  ItalyPowerDemand: [0.955, 0.95],
  ArrowHead: [0.8, 0.703],
  BasicMotions: [0.6, 0.975],
  JapaneseVowels: [0.922, 0.949],
} as const;

type Name = keyof typeof PUBLISHED;

/** JapaneseVowels is in the repository. */
const COMMITTED = fileURLToPath(new URL("../learning/data", import.meta.url));

/** The training and the test part. */
function partsOf(folder: string, name: Name) {
  return Promise.all([readUcrTs(join(folder, `${name}_TRAIN.ts.gz`)), readUcrTs(join(folder, `${name}_TEST.ts.gz`))]);
}

/** Whether our nearest neighbours have the published accuracies, to the three digits that are printed. */
async function neighbours(folder: string, names: readonly Name[]): Promise<void> {
  for (const name of names) {
    const [train, test] = await partsOf(folder, name);
    for (const [n, distance] of (["euclidean", "dtw"] as const).entries()) {
      const started = performance.now();
      const classifier = nearestNeighbour({ distance });
      await classifier.fit(train);
      const guesses = await classifier.predict(test);
      const reached = accuracy(test.targets, guesses.map(({ label }) => label));
      const expected = PUBLISHED[name][n] as number;
      const same = Math.abs(reached - expected) < 0.001;
      if (!same) process.exitCode = 1;
      const seconds = ((performance.now() - started) / 1000).toFixed(2);
      console.log(`${name.padEnd(17)} ${distance.padEnd(10)} ${reached.toFixed(4)}  published ${expected.toFixed(3)}  ${same ? "same" : "DIFFERENT"}  ${seconds} s`);
    }
  }
}

async function compareOn(folder: string, name: Name, seeds: readonly number[], output: string): Promise<void> {
  const [train, test] = await partsOf(folder, name);
  const comparison = await compare({
    ...running(seeds),
    task: "classification",
    title: `${name}, of the UCR/UEA archive`,
    train,
    test,
    classes: train.classes,
    entrants: ["lstm", "gru", "rnn", "majority", "logistic", "1nn-euclidean", "1nn-dtw"],
  });
  await report(comparison, name.toLowerCase(), output);
}

await runProgram(
  "Compares ways of classifying on sets of the UCR/UEA archive.",
  {
    data: "where NAME_TRAIN.ts.gz and NAME_TEST.ts.gz lie (timeseriesclassification.com, gzipped); JapaneseVowels alone if left out",
    neighbours: "nearest neighbours alone, beside their published accuracies",
  },
  async ({ seeds, output, data, flags }) => {
    const folder = data ?? COMMITTED;
    const names = (Object.keys(PUBLISHED) as Name[]).filter((name) => existsSync(join(folder, `${name}_TRAIN.ts.gz`)));
    if (names.length === 0) console.error(`There is none of ${Object.keys(PUBLISHED).join(", ")} in ${folder}.`);
    if (flags.has("neighbours")) await neighbours(folder, names);
    else for (const name of names) await compareOn(folder, name, seeds, output);
  },
);
