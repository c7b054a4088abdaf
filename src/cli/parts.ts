// From a configuration's data and split to training, validation and test. Pipelines are fitted on the training part alone.

import { resolve } from "node:path";

import { GatewiseError } from "../errors.js";
import { type Pipeline, definePipeline } from "../data/pipeline/define.js";
import type { FittedPipeline } from "../data/pipeline/fitted.js";
import { readCifar10 } from "../data/sets/cifar.js";
import type { LabelledSet } from "../data/sets/labelled.js";
import { readMnist } from "../data/sets/mnist.js";
import { readUcrTs } from "../data/sets/ucr-ts.js";
import { readUcrTsv } from "../data/sets/ucr-tsv.js";
import { splitByGroup } from "../data/splits/by-group.js";
import { splitByTime } from "../data/splits/by-time.js";
import type { Parts as Indices, Splittable } from "../data/splits/parts.js";
import { splitStratified } from "../data/splits/stratified.js";
import { rowKeys, selectRows, subset } from "../data/splits/subset.js";
import type { Table } from "../data/table.js";
import type { LabelledData } from "../data/types.js";
import type { OutputDefinition } from "../model/outputs.js";
import { samplesAt } from "../tuning/folds.js";
import type { Config, SetData, Split, TableData } from "./config.js";
import { readTableFile } from "./tables.js";

type Data = LabelledData<OutputDefinition>;

/** The parts of the data, and what a definition may leave out because they say it. */
export interface Parts {
  readonly training: Data;
  readonly validation: Data | undefined;
  readonly test: Data | undefined;
  readonly input: { readonly features?: number; readonly tokens?: number; readonly statics?: number };
  readonly output: OutputDefinition | undefined;
}

/** Reads and splits what the configuration names. */
export async function partsOf({ data, split, folder }: Pick<Config, "data" | "split" | "folder">): Promise<Parts> {
  return "set" in data ? partsOfSet(data, split, folder) : partsOfTable(data, split, folder);
}

async function partsOfTable({ file, format, options, pipeline }: TableData, split: Split | undefined, folder: string): Promise<Parts> {
  if (pipeline === undefined) {
    throw new GatewiseError("invalid_option", "data.pipeline", "a table needs a pipeline that makes sequences of it");
  }
  const defined = definePipeline(pipeline as never);
  const table = await readTableFile(resolve(folder, file), format, options);
  const { parts, fitted } = split?.by === "time" ? splitSamples(defined, table, split) : splitRows(defined, table, split);
  const { features, tokens, statics, classes } = fitted;
  const { target } = defined.definition;
  const steps = target && target.steps > 1 ? { steps: target.steps } : {};
  const values = target?.values ? { values: [target.values].flat().length, ...steps } : undefined;
  return {
    ...parts,
    input: {
      ...(features.length > 0 && { features: features.length }),
      ...(tokens !== undefined && { tokens }),
      ...(statics.length > 0 && { statics: statics.length }),
    },
    output: classes ? { classes } : values,
  };
}

type SplitBy<By> = Extract<Split, { readonly by: By }>;
type InParts = Omit<Parts, "input" | "output">;

interface Fitted {
  readonly parts: InParts;
  readonly fitted: FittedPipeline<OutputDefinition>;
}

/** Parts in time: samples of the whole table, whose pipeline has seen the rows before the first that is held out. */
function splitSamples(pipeline: Pipeline<OutputDefinition>, table: Table, split: SplitBy<"time">): Fitted {
  const { group, time } = pipeline.definition;
  if (time === undefined) throw new GatewiseError("invalid_option", "split.by", "the pipeline has no time: split by group or class");
  // Of a pipeline that has seen everything nothing is used but the samples' times, which know nothing of scalers.
  const { groups, times, until } = pipeline.fit(table).apply(table);
  const indices = byTime({ groups, times, until }, split);
  const begin = [...indices.validation, ...indices.test].reduce((least, sample) => Math.min(least, times[sample] ?? Infinity), Infinity);
  const rowTimes = rowKeys(table, { group, time }).times;
  const fitted = pipeline.fit(selectRows(table, Array.from(rowTimes.keys()).filter((row) => (rowTimes[row] ?? 0) < begin)));
  const samples = fitted.apply(table);
  return { parts: each(indices, (part) => (part ? subset(samples, part) : samples)), fitted };
}

/** Parts of whole groups, or all in one; the pipeline has seen the training part's. */
function splitRows(pipeline: Pipeline<OutputDefinition>, table: Table, split: Exclude<Split, { by: "time" }> | undefined): Fitted {
  const { group, target } = pipeline.definition;
  const rows = split && rowsOf(table, group, target?.label, split);
  const fitted = pipeline.fit(rows ? selectRows(table, rows.training) : table);
  return { parts: each(rows, (part) => fitted.apply(part ? selectRows(table, part) : table)), fitted };
}

/** Which rows are in which part. */
function rowsOf(table: Table, group: string | undefined, label: string | undefined, split: Exclude<Split, { by: "time" }>): Indices {
  if (group === undefined) throw new GatewiseError("invalid_option", "split.by", "the pipeline has no group: split by time");
  const keys = rowKeys(table, { group, target: label });
  if (split.by === "group") return splitByGroup(keys, split);
  if (label === undefined) {
    const message = "the pipeline's groups have no class (target.label): split by group or time";
    throw new GatewiseError("invalid_option", "split.by", message);
  }
  return byClassOfGroups(keys, split);
}

interface Shares {
  readonly validation?: number | undefined;
  readonly test?: number | undefined;
  readonly seed?: number | undefined;
}

/** Whole groups, each by the class of its first row. */
function byClassOfGroups({ groups, times, targets }: Splittable, shares: Shares): Indices {
  const firsts = new Map(groups.map((group, row) => [group, row] as const).toReversed());
  const ids = [...firsts.keys()];
  const classes = [...firsts.values()].map((row) => String((targets as ArrayLike<unknown>)[row]));
  const parts = splitStratified({ groups: ids, times, targets: classes }, shares);
  const placed = Object.entries(parts).flatMap(([name, indices]) => {
    return Array.from(indices as Uint32Array, (index) => [ids[index] ?? null, name] as const);
  });
  const partOf = new Map(placed);
  const rows = (name: keyof Indices) => Uint32Array.from(groups.flatMap((group, row) => (partOf.get(group) === name ? [row] : [])));
  return { training: rows("training"), validation: rows("validation"), test: rows("test") };
}

/** `splitByTime`, which has a test part always; here there may be none. */
function byTime(samples: Splittable, { validation, test }: Pick<SplitBy<"time">, "validation" | "test">): Indices {
  if (test !== undefined) return splitByTime(samples, { test, validation });
  if (validation === undefined) throw new GatewiseError("invalid_option", "split", "say when validation or test begin");
  const { training, test: later } = splitByTime(samples, { test: validation });
  return { training, validation: later, test: new Uint32Array(0) };
}

async function partsOfSet({ set, training, test, options = {} }: SetData, split: Split | undefined, folder: string): Promise<Parts> {
  const whole = await readSet(set, training, options, folder);
  const held = test === undefined ? undefined : await readSet(set, test, { ...options, ...likeTraining(set, whole) }, folder);
  if (split !== undefined && split.by !== "class") {
    throw new GatewiseError("invalid_option", "split.by", 'the samples of a set are apart from each other: split by "class"');
  }
  if (held && split?.test !== undefined) {
    throw new GatewiseError("invalid_option", "split.test", "data.test is the test part already: leave one of the two out");
  }
  const { x, shape, lengths, targets, classes } = whole;
  const data = { x, shape, lengths, targets } as unknown as Data;
  const samples = { groups: [], times: new Float64Array(0), targets };
  const indices = split && splitStratified(samples, { validation: split.validation, test: split.test, seed: split.seed });
  const parts = each(indices, (part) => (part ? samplesAt(data, part) : data));
  const tested = held && ({ x: held.x, shape: held.shape, lengths: held.lengths, targets: held.targets } as unknown as Data);
  return { ...parts, test: tested ?? parts.test, input: { features: shape[2] }, output: { classes } };
}

/** Classes and scaling of the test part are the training part's. */
function likeTraining(set: SetData["set"], whole: LabelledSet & { readonly scaling?: object }): object {
  if (set === "ucr-ts") return {};
  return { classes: whole.classes, ...(whole.scaling && { scaling: whole.scaling }) };
}

function readSet(set: SetData["set"], files: SetData["training"], options: object, folder: string): Promise<LabelledSet> {
  const path = (file: string) => resolve(folder, file);
  const single = typeof files === "string" ? path(files) : undefined;
  if (set === "mnist") {
    if (typeof files === "string" || Array.isArray(files)) throw wrongFiles(set, "{ images, labels }");
    return readMnist({ images: path(files.images), labels: path(files.labels) }, options);
  }
  if (set === "cifar-10") {
    if (typeof files === "object" && !Array.isArray(files)) throw wrongFiles(set, "one file or a list of files");
    return readCifar10([files].flat().map(path), options);
  }
  if (single === undefined) throw wrongFiles(set, "one file");
  return set === "ucr-ts" ? readUcrTs(single, options) : readUcrTsv(single, options);
}

function wrongFiles(set: string, wanted: string): GatewiseError {
  return new GatewiseError("invalid_option", "data.training", `${set} is read from ${wanted}`);
}

function each(indices: Indices | undefined, make: (part: Uint32Array | undefined) => Data): InParts {
  const part = (rows: Uint32Array | undefined) => (rows && rows.length > 0 ? make(rows) : undefined);
  return { training: make(indices?.training), validation: part(indices?.validation), test: part(indices?.test) };
}
