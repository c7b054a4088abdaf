// Compares ways of classifying sequences on one training and one test part. Knows nothing of what the entrants are.

import type { MachineOptions } from "../../backend/open.js";
import type { ClassIndices, Sequences } from "../../data/types.js";
import { GatewiseError } from "../../errors.js";
import { compareAucs, mcNemar } from "../../metrics/index.js";
import type { ClassGuess, Classifier } from "../classifier.js";
import { type LabelledSeries, readLabelled } from "../series.js";
import { type ClassifierEntrant, type Entrant, classifierEntrants } from "./entrants.js";
import { classificationFigures, confusionOf, rocsOf } from "./figures.js";
import { type RunContext, type RunOptions, checkReference, checkSeeds, runAll, timed } from "./runs.js";
import { testAll } from "./tests.js";
import type { ClassificationComparison, ClassificationRun, PairedTest, PartSize } from "./types.js";

/**
 * A part of the data, as `fit` and `evaluate` take it and pipelines give it: numbers at each step (baselines know of no tokens), classes as
 * names or counted from 0.
 */
export type ClassifiedPart = Sequences & { readonly targets: readonly string[] | ClassIndices };

/** Who is to be compared on what. */
export interface ClassificationOptions extends RunOptions {
  readonly task: "classification";
  readonly train: ClassifiedPart;
  readonly test: ClassifiedPart;
  /** Looked at by networks alone, which tell its loss for each epoch. */
  readonly validation?: ClassifiedPart | undefined;
  /** The classes' names, at least two. Those of the training part, sorted, unless given. */
  readonly classes?: readonly string[] | undefined;
  /** Of two classes the one that F1 and areas are of. The second unless given. */
  readonly positive?: string | undefined;
  /** Names, names with options, or anything with `fit` and `predict`. */
  readonly entrants: readonly ClassifierEntrant[];
  /** What networks run on. */
  readonly machine?: MachineOptions | undefined;
}

/** See `compare`. */
export async function compareClassifiers(options: ClassificationOptions): Promise<ClassificationComparison> {
  const seeds = checkSeeds(options.seeds);
  const { classes, train, test, validation } = partsOf(options);
  const positive = positiveOf(options.positive, classes);
  const context = { classes, samples: train.targets.length, validation, machine: options.machine };
  const entrants = classifierEntrants(options.entrants, context);
  const reference = checkReference(options.reference, entrants);
  const task: Task = { train, test, classes, positive, scores: new Map() };
  const results = await runAll(entrants, seeds, options, (entrant, run) => runOnce(entrant, task, run));
  const truth = test.targets.map((name) => classes.indexOf(name));
  const tests = pairedTests(results, reference, task);
  return {
    task: "classification",
    title: options.title ?? "Comparison",
    classes,
    positive,
    seeds,
    reference,
    data: { train: sizeOf(train, classes), test: sizeOf(test, classes) },
    truth,
    entrants: results,
    tests,
    notes: [
      "McNemar's mid-p test compares accuracies on the test samples, one test a seed: the k-th seed of one entrant with the k-th of the other.",
      ...(positive === null ? [] : ["DeLong's test compares areas under ROC curves likewise."]),
      "The seeds' p-values become one by Rüger's rule, and those of one kind of test are adjusted together by Holm's method.",
    ],
  };
}

interface Task {
  readonly train: LabelledSeries;
  readonly test: LabelledSeries;
  readonly classes: readonly string[];
  readonly positive: string | null;
  /** [n] each run's probabilities of the positive class, where there are such: for the tests alone. */
  readonly scores: Map<ClassificationRun, Float64Array>;
}

async function runOnce(entrant: Entrant<Classifier>, task: Task, { seed, signal, tell }: RunContext) {
  const { train, test, classes, positive, scores } = task;
  const classifier = entrant.create(seed ?? 0, (fraction) => tell("fit", fraction));
  try {
    const fit = await timed(() => classifier.fit(train, { signal }));
    signal?.throwIfAborted();
    tell("predict", 0);
    const { targets: truth, ...unlabelled } = test;
    const predict = await timed(() => classifier.predict(unlabelled, { signal }));
    const guesses = checkGuesses(predict.result, truth.length, classes, entrant.name);
    const run: ClassificationRun = {
      seed,
      figures: classificationFigures(truth, guesses, classes, positive),
      seconds: { fit: fit.seconds, predict: predict.seconds },
      epochs: classifier.epochs ?? [],
      predicted: guesses.map(({ label }) => classes.indexOf(label)),
      confusion: confusionOf(truth, guesses, classes),
      roc: rocsOf(truth, guesses, classes, positive),
    };
    if (positive !== null && guesses.every(({ probabilities }) => probabilities)) {
      scores.set(run, Float64Array.from(guesses, ({ probabilities }) => probabilities?.[positive] ?? 0));
    }
    return { run, kind: { settings: classifier.settings ?? null, parameters: classifier.parameters } };
  } finally {
    classifier.dispose?.();
  }
}

function pairedTests(results: ClassificationComparison["entrants"], reference: string, task: Task): PairedTest[] {
  const { test, classes, positive, scores } = task;
  const truth = test.targets;
  const right = ({ predicted }: ClassificationRun) => truth.map((name, n) => name === classes[predicted[n] as number]);
  const onAccuracy = testAll("mcnemar", results, reference, (a, b) => ({
    advantage: a.figures.accuracy - b.figures.accuracy,
    pValue: mcNemar(right(a), right(b)).midP,
  }));
  const positives = truth.map((name) => name === positive);
  const counted = positives.filter(Boolean).length;
  if (positive === null || counted < 2 || truth.length - counted < 2) return onAccuracy;
  const onArea = testAll("delong", results, reference, (a, b) => {
    const [first, second] = [scores.get(a), scores.get(b)];
    if (!first || !second) return null;
    const { difference, pValue } = compareAucs(positives, first, second);
    return { advantage: difference, pValue };
  });
  return [...onAccuracy, ...onArea];
}

function partsOf({ train, test, validation, classes: given }: ClassificationOptions) {
  for (const [name, part] of Object.entries({ train, test })) {
    if (typeof part === "object" && part !== null) continue;
    throw new GatewiseError("invalid_option", name, `${name} must be an object with x, shape and targets`);
  }
  if (given === undefined && !Array.isArray(train.targets)) {
    throw new GatewiseError("invalid_option", "classes", "the targets are numbers: say with classes what they are called");
  }
  const classes = given ?? [...new Set(train.targets as readonly string[])].sort();
  if (classes.length < 2) {
    throw new GatewiseError("invalid_option", "classes", `there is no class but "${String(classes[0])}": there must be two at least`);
  }
  const named = (part: ClassifiedPart, at: string) => withNames(part, classes, at);
  const parts = { classes, train: named(train, "train."), test: named(test, "test.") };
  if (parts.train.shape[2] !== parts.test.shape[2]) {
    const message = `the test part has ${parts.test.shape[2]} features a step, the training part ${parts.train.shape[2]}`;
    throw new GatewiseError("shape_mismatch", "test.shape", message);
  }
  return { ...parts, validation: validation && named(validation, "validation.") };
}

/** Checks a part; its targets become names. */
function withNames(part: ClassifiedPart, classes: readonly string[], at: string): LabelledSeries {
  const targets = Array.from(part.targets as ArrayLike<string | number>, (target, n) => {
    const name = typeof target === "number" ? classes[target] : target;
    if (name !== undefined && classes.includes(name)) return name;
    const message = `${at}targets[${n}] is ${JSON.stringify(target)}, which is none of the classes: ${classes.join(", ")}`;
    throw new GatewiseError("unknown_class", `${at}targets[${n}]`, message);
  });
  // Whether there are numbers is checked with all the rest.
  const { x, shape, lengths, statics } = part as unknown as LabelledSeries;
  const named = { x, shape, targets, ...(lengths ? { lengths } : {}), ...(statics ? { statics } : {}) };
  readLabelled(named, at);
  return named;
}

function positiveOf(given: string | undefined, classes: readonly string[]): string | null {
  if (given !== undefined && !classes.includes(given)) {
    throw new GatewiseError("unknown_class", "positive", `positive is "${given}", which is none of the classes: ${classes.join(", ")}`);
  }
  return classes.length === 2 ? (given ?? (classes[1] as string)) : null;
}

function sizeOf({ shape, targets }: LabelledSeries, classes: readonly string[]): PartSize {
  const count = (name: string) => targets.filter((target) => target === name).length;
  return { samples: shape[0], steps: shape[1], features: shape[2], classes: Object.fromEntries(classes.map((name) => [name, count(name)])) };
}

/** Entrants may be anybody's. */
function checkGuesses(guesses: readonly ClassGuess[], n: number, classes: readonly string[], name: string): readonly ClassGuess[] {
  if (guesses.length !== n) {
    throw new GatewiseError("shape_mismatch", "entrants", `"${name}" predicted ${guesses.length} of ${n} samples: one is needed for each`);
  }
  const unknown = guesses.find(({ label }) => !classes.includes(label));
  if (!unknown) return guesses;
  throw new GatewiseError("unknown_class", "entrants", `"${name}" predicted "${unknown.label}", which is none of the classes: ${classes.join(", ")}`);
}
