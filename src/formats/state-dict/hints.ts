// What callers say of a network that names and shapes do not tell, and the questions for it.

import * as v from "valibot";

import type { MachineOptions } from "../../backend/open.js";
import { GatewiseError } from "../../errors.js";
import type * as core from "../../generated/core.js";
import type { DeepReadonly, DefinitionOf, ModelDefinition } from "../../model/definition.js";
import type { OutputDefinition } from "../../model/outputs.js";
import { fields } from "../../validate.js";
import type { ModuleMap } from "./map.js";

/** What holds for a layer beside what its tensors tell. */
export type LayerHints = DeepReadonly<Partial<core.LayerDefinition>>;

/** What names and shapes do not tell. Whatever is needed and not given is asked for by an error that names it. */
export interface Hints<Out extends OutputDefinition = OutputDefinition> {
  /** What the outputs mean, and from which steps they come: classes, labels or values, and `at`. Always needed. */
  readonly output?: DefinitionOf<Out>["output"] | undefined;
  /**
   * Of the input: `features` where numbers stand beside an embedding, `statics` where some of them hold for the whole sequence;
   * `padding`, `scaling`, … as they should be.
   */
  readonly input?: DeepReadonly<Partial<core.InputDefinition>> | undefined;
  /** What holds for all layers, or a list with what holds for each: the `activation` of `nn.RNN`, `merge`, `dropout`, `residual`, … */
  readonly layers?: LayerHints | readonly LayerHints[] | undefined;
  /** The definition's seed. */
  readonly seed?: number | undefined;
  /** Where modules belong: see {@link ModuleMap}. Those that it does not name are placed by their kind and sizes. */
  readonly map?: ModuleMap | undefined;
  /** Of a `.pt` file that holds several state dicts: which of them is meant, as `readPyTorch` tells their paths: `"model"`. */
  readonly path?: string | undefined;
  /**
   * Whether every tensor must have its place, and every place its tensor. True unless given; what is missing starts as in a new
   * model, but for the bias of an `nn.Linear` or `nn.LayerNorm` without one, which is 0 either way.
   */
  readonly strict?: boolean | undefined;
}

/** How {@link loadPretrained} makes a model of a file. */
export interface PretrainedOptions<Out extends OutputDefinition = OutputDefinition> extends Hints<Out>, MachineOptions {
  /** The whole definition, in the place of hints. */
  readonly definition?: DefinitionOf<Out> | ModelDefinition<Out> | undefined;
}

const object = v.looseObject({}, "this must be an object");

export const mapSchema = v.record(v.string(), v.string("this must be the name of a place, such as layers or output"), "this must be an object of names");

const HINTS = {
  output: v.optional(object),
  input: v.optional(object),
  layers: v.optional(v.union([v.array(object), object], "this must be what holds for all layers, or a list of what holds for each")),
  seed: v.optional(v.number("this must be a number")),
  map: v.optional(mapSchema),
  path: v.optional(v.string("this must be text")),
  strict: v.optional(v.boolean("this must be true or false")),
};

export const hintsSchema = fields(HINTS);

export const pretrainedSchema = fields({
  ...HINTS,
  definition: v.optional(object),
  backend: v.optional(v.string()),
  threads: v.optional(v.number()),
});

/** The error that asks for a hint. */
export function question(path: string, message: string): GatewiseError {
  return new GatewiseError("invalid_option", path === "" ? "options" : `options.${path}`, message);
}
