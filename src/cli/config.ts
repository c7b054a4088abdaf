// The configuration file: its schema, from which the JSON schema for editors is generated, and reading it. What the library
// judges itself (definition, training, pipeline, entrants) is handed on as it is.

import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";

import * as v from "valibot";

import { GatewiseError } from "../errors.js";
import { SETTINGS } from "../tuning/settings.js";
import { fields, validated } from "../validate.js";

/** A field with what editors tell of it. */
function said<const Schema extends v.GenericSchema>(description: string, schema: Schema) {
  return v.pipe(schema, v.description(description));
}

const text = v.pipe(v.string("this must be text"), v.nonEmpty("this must not be empty"));
const object = v.looseObject({}, "this must be an object");
const whole = v.pipe(
  v.number("this must be a whole number"),
  v.safeInteger("this must be a whole number"),
  v.minValue(0, "this must not be below 0"),
);
const positive = v.pipe(whole, v.minValue(1, "this must be from 1 on"));
const share = v.pipe(
  v.number("this must be a share: above 0 and below 1"),
  v.gtValue(0, "this must be a share: above 0 and below 1"),
  v.ltValue(1, "this must be a share: above 0 and below 1"),
);
const point = v.union([share, text], 'this must be a share (above 0 and below 1) or a time such as "2011-09-16"');
const groups = v.union([share, v.array(v.union([v.string(), v.number()]))], "this must be a share (above 0 and below 1) or a list of groups");

/** A table, and the pipeline that makes sequences of it. */
export const TableSchema = fields({
  file: text,
  format: v.optional(v.picklist(["csv", "parquet", "arrow"], 'the format is "csv", "parquet" or "arrow"')),
  options: said("Of `readCsv`, `readParquet` or `readArrow`.", v.optional(object)),
  pipeline: said("As `definePipeline` takes it. Not needed for a forecasting comparison.", v.optional(object)),
});

const files = v.union(
  [text, v.array(text), fields({ images: text, labels: text })],
  "this must be a file, files, or { images, labels }",
);

/** One of the common sets, by its files. */
export const SetSchema = fields({
  set: v.picklist(["ucr-ts", "ucr-tsv", "mnist", "cifar-10"], 'the set is "ucr-ts", "ucr-tsv", "mnist" or "cifar-10"'),
  training: said("One file; of mnist `{ images, labels }`; of cifar-10 one or more.", files),
  test: v.optional(files),
  options: said("Of the set's reader.", v.optional(object)),
});

/** Which part of the data is for what. */
export const SplitSchema = v.union(
  [
    fields({ by: v.literal("time"), validation: v.optional(point), test: v.optional(point) }),
    fields({ by: v.literal("group"), validation: v.optional(groups), test: v.optional(groups), seed: v.optional(whole) }),
    fields({ by: v.literal("class"), validation: v.optional(share), test: v.optional(share), seed: v.optional(whole) }),
  ],
  'a split is { "by": "time" | "group" | "class", "validation": …, "test": … }',
);

const MachineSchema = fields({
  backend: v.optional(v.picklist(["auto", "native", "wasm"], 'the backend is "auto", "native" or "wasm"')),
  threads: v.optional(positive),
});

const TuningSchema = fields(SETTINGS);

const ComparisonSchema = fields({
  task: v.optional(v.picklist(["classification", "forecasting"], 'the task is "classification" or "forecasting"')),
  title: v.optional(text),
  entrants: said(
    "Names, or names with options, as `compare` takes them.",
    v.pipe(v.array(v.union([text, object]), "this must be a list of entrants"), v.minLength(1, "give at least one entrant")),
  ),
  seeds: v.optional(v.array(whole, "this must be a list of seeds")),
  reference: v.optional(text),
  positive: v.optional(text),
  column: said("Of forecasting: the table's column of numbers, and of times.", v.optional(text)),
  time: v.optional(text),
  horizon: v.optional(positive),
  season: v.optional(positive),
  origins: v.optional(positive),
  stride: v.optional(positive),
  transform: v.optional(v.picklist(["none", "log"], 'the transform is "none" or "log"')),
});

/** `gatewise.json`. */
export const ConfigSchema = fields({
  $schema: v.optional(v.string()),
  data: v.union([TableSchema, SetSchema], 'data is { "file", "pipeline" } or { "set", "training" }'),
  split: v.optional(SplitSchema),
  definition: said("As `createModel` takes it; what the data says of input and output may be left out.", v.optional(object)),
  training: said("As `fit` takes it, without what is no data.", v.optional(object)),
  machine: v.optional(MachineSchema),
  output: said("The folder for what is written. `gatewise-output` unless given.", v.optional(text)),
  tuning: v.optional(TuningSchema),
  comparison: v.optional(ComparisonSchema),
});

/** A configuration, its paths relative to it. */
export interface Config extends v.InferOutput<typeof ConfigSchema> {
  /** The folder that it lies in. */
  readonly folder: string;
}

export type TableData = v.InferOutput<typeof TableSchema>;
export type SetData = v.InferOutput<typeof SetSchema>;
export type Split = v.InferOutput<typeof SplitSchema>;

/** @throws {GatewiseError} `file_access`, `invalid_file` where it is no JSON, `invalid_option` where a field is wrong */
export async function readConfig(path: string): Promise<Config> {
  const config = validated(ConfigSchema, parsed(path, await content(path)), "");
  return { ...config, folder: dirname(resolve(path)) };
}

async function content(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GatewiseError("file_access", path, `the configuration could not be read (${why}): write one, or name it with --config`, { cause });
  }
}

function parsed(path: string, json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GatewiseError("invalid_file", path, `the configuration is no JSON: ${why}`, { cause });
  }
}

/** A section that a command cannot do without. */
export function section<Name extends keyof Config>(config: Config, name: Name, command: string): NonNullable<Config[Name]> {
  const value = config[name];
  if (value !== undefined) return value as NonNullable<Config[Name]>;
  throw new GatewiseError("invalid_option", name, `the configuration has no "${name}", which ${command} needs`);
}
