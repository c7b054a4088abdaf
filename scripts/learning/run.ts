// npm run learning: what the library learns beside what PyTorch does by the same recipe, on seven sets.
//   npm run learning -- --json FILE [--data FOLDER] [--sets A,B] [--recipes shared,ours] [--threads N]
//
// Writes { machine, rows: [{ dataset, recipe: "shared" | "ours", accuracy: [one a seed], pytorch: [lowest, highest] }] }: three seeds
// of the shared recipe, ten of our own, of which there are two. The data: `--data`, else GATEWISE_DATA, else ../shared/data.

import { existsSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { CIFAR, MNIST } from "../../examples/images/rows.js";
import { MissingData } from "../../examples/learning/folder.js";
import { type Task, learn } from "../../examples/learning/recipe.js";
import { learnOurs, OURS } from "../../examples/series/ours.js";
import { SERIES } from "../../examples/series/sets.js";

const TASKS: readonly Task[] = [MNIST, CIFAR, ...SERIES];
const SEEDS = { shared: 3, ours: 10 } as const;

interface Row {
  readonly dataset: string;
  readonly recipe: keyof typeof SEEDS;
  /** One a seed, from 1 on. */
  readonly accuracy: readonly number[];
  /** The lowest and the highest of PyTorch's seeds by the shared recipe. */
  readonly pytorch: readonly [number, number];
}

const { values } = parseArgs({
  options: { json: { type: "string" }, data: { type: "string" }, sets: { type: "string" }, recipes: { type: "string" }, threads: { type: "string" } },
});

function dataFolder(): string {
  const beside = fileURLToPath(new URL("../../../shared/data", import.meta.url));
  const folder = values.data ?? process.env["GATEWISE_DATA"] ?? beside;
  if (existsSync(folder)) return folder;
  throw new MissingData(
    `There is no folder ${folder}. Name one with --data, or in GATEWISE_DATA, that holds MNIST's IDX files and CIFAR-10's binary ones ` +
      "(in it or in its folder images), and GunPoint, ItalyPowerDemand, ArrowHead, BasicMotions and JapaneseVowels as .ts files (in it or in " +
      "its folder ucr). yann.lecun.com/exdb/mnist, www.cs.toronto.edu/~kriz/cifar.html and www.timeseriesclassification.com have them.",
  );
}

/** Those of `all` that an option names. */
function chosen<Name extends string>(option: string, given: string | undefined, all: readonly Name[]): readonly Name[] {
  if (given === undefined) return all;
  const names = given.split(",");
  const unknown = names.find((name) => !all.some((known) => known === name));
  if (unknown !== undefined) throw new MissingData(`--${option}: there is no ${unknown}; there are ${all.join(", ")}.`);
  return all.filter((name) => names.includes(name));
}

async function learnAll(): Promise<Row[]> {
  const folder = dataFolder();
  const sets = chosen("sets", values.sets, TASKS.map(({ dataset }) => dataset));
  const recipes = chosen("recipes", values.recipes, ["shared", "ours"] as const);
  const machine = { backend: "auto", threads: values.threads === undefined ? undefined : Number(values.threads) } as const;
  const rows: Row[] = [];
  for (const task of TASKS.filter(({ dataset }) => sets.includes(dataset))) {
    const { dataset, pytorch } = task;
    const split = await task.read(folder);
    const ours = OURS[dataset];
    for (const recipe of recipes) {
      if (recipe === "ours" && ours === undefined) continue;
      const accuracy: number[] = [];
      for (let seed = 1; seed <= SEEDS[recipe]; seed++) {
        const own = recipe === "ours" ? ours : undefined;
        accuracy.push(await (own ? learnOurs(split, own, seed, machine) : learn(dataset, split, task.recipe(split.training), seed, machine)));
      }
      rows.push({ dataset, recipe, accuracy, pytorch });
      console.log(describe(rows.at(-1) as Row));
    }
  }
  return rows;
}

function describe({ dataset, recipe, accuracy, pytorch }: Row): string {
  const mean = accuracy.reduce((sum, value) => sum + value, 0) / accuracy.length;
  const range = `${Math.min(...accuracy).toFixed(4)} to ${Math.max(...accuracy).toFixed(4)}`;
  const theirs = [...new Set(pytorch)].join(" to ");
  return `${dataset.padEnd(14)}   ${recipe.padEnd(6)}   mean ${mean.toFixed(4)}   ${range}   PyTorch, shared recipe: ${theirs}`;
}

try {
  const rows = await learnAll();
  const cpu = cpus()[0]?.model.trim() ?? "unknown";
  const machine = { cpu, cores: availableParallelism(), platform: `${process.platform} ${process.arch}`, node: process.versions.node };
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ machine, rows }, undefined, 2)}\n`);
} catch (error) {
  if (!(error instanceof MissingData)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
