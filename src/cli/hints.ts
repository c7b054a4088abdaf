// What `convert` is told of weights, by options and by files, as `loadPretrained` takes it.

import { readFile } from "node:fs/promises";

import { GatewiseError } from "../errors.js";
import type { PretrainedOptions } from "../formats/state-dict/hints.js";
import type { ModuleMap } from "../formats/state-dict/map.js";
import type { OutputDefinition } from "../model/outputs.js";
import { UsageError } from "./failure.js";
import { oneOf, positiveInteger } from "./options.js";

/** The options, as the command line gives them. */
export interface HintArguments {
  readonly definition?: string | undefined;
  readonly hints?: string | undefined;
  readonly classes?: string | undefined;
  readonly labels?: string | undefined;
  readonly values?: string | undefined;
  readonly at?: string | undefined;
  readonly activation?: string | undefined;
  readonly map?: string | undefined;
  readonly path?: string | undefined;
  readonly partial?: boolean | undefined;
  readonly names?: string | undefined;
}

/** Hints, and the names to write. */
export interface Told {
  readonly pretrained: PretrainedOptions<OutputDefinition>;
  readonly names: ModuleMap | undefined;
}

/** @throws {UsageError} @throws {GatewiseError} `file_access`, `invalid_file` for a file that is no JSON */
export async function hintsOf(args: HintArguments): Promise<Told> {
  const file = args.hints === undefined ? {} : await readJson(args.hints);
  const definition = args.definition === undefined ? undefined : await readJson(args.definition);
  const output = outputOf(args);
  const activation = oneOf("activation", args.activation, ["tanh", "relu"]);
  const map = mapOf("map", args.map);
  const pretrained = {
    ...file,
    ...(definition && { definition }),
    ...(output && { output: { ...(file as { output?: object }).output, ...output } }),
    ...(activation && { layers: { activation } }),
    ...(map && { map }),
    ...(args.path !== undefined && { path: args.path }),
    ...(args.partial === true && { strict: false }),
  };
  return { pretrained: pretrained as Told["pretrained"], names: mapOf("names", args.names) };
}

function outputOf(args: HintArguments): object | undefined {
  const at = oneOf("at", args.at, ["last", "each", "mean", "max", "attention"]);
  const [classes, labels, values] = [namesOf(args.classes), namesOf(args.labels), positiveInteger("values", args.values)];
  const output = { ...(classes && { classes }), ...(labels && { labels }), ...(values !== undefined && { values }), ...(at && { at }) };
  return Object.keys(output).length > 0 ? output : undefined;
}

function namesOf(given: string | undefined): string[] | undefined {
  return given?.split(",").map((name) => name.trim());
}

function mapOf(option: string, given: string | undefined): ModuleMap | undefined {
  if (given === undefined) return undefined;
  const pairs = given.split(",").map((pair) => pair.split("="));
  const wrong = pairs.find((pair) => pair.length !== 2 || pair[1] === "");
  if (wrong) throw new UsageError(`--${option} wants pairs such as rnn=layers,fc=output, not "${wrong.join("=")}"`);
  return Object.fromEntries(pairs.map(([prefix = "", place = ""]) => [prefix.trim(), place.trim()]));
}

async function readJson(path: string): Promise<object> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new GatewiseError("file_access", path, `the file could not be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  });
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
    throw new SyntaxError("it is no object");
  } catch (cause) {
    throw new GatewiseError("invalid_file", path, `the file is no JSON of an object: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
