// What a model is, as data. Knows nothing of backends: whether a definition is a good one is the core's to judge.

import { GatewiseError } from "../errors.js";
import type * as core from "../generated/core.js";
import { deepFreeze } from "../json.js";
import type { Classifier, ClassesOutput, LabelsOutput, Output, OutputDefinition, ValuesOutput } from "./outputs.js";

/** A plain type that cannot be written to, all the way down. */
export type DeepReadonly<T> = T extends object ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> } : T;

/**
 * A network as data: what goes in, the recurrent layers from the input upwards, what comes out. It is JSON, and every model
 * file holds it. `Out` is its output's definition, or short for classes of whole sequences the union of their names.
 */
export type ModelDefinition<Out extends Output = OutputDefinition> = DeepReadonly<Omit<core.ModelDefinition, "output">> & {
  /** What the model predicts, and from which steps of each sequence. */
  readonly output: [Out] extends [string] ? Classifier<Out> : Exclude<Out, string>;
};

/** A definition whose output's type is to be found out. A field that no output has is an error. */
export type DefinitionOf<Out extends OutputDefinition> = DeepReadonly<Omit<core.ModelDefinition, "output">> & {
  /** What the model predicts, and from which steps of each sequence. */
  readonly output: Out & { readonly [Key in Exclude<keyof Out, OutputFields>]: never };
};

type OutputFields = keyof ClassesOutput | keyof LabelsOutput | keyof ValuesOutput;

/**
 * A model's definition, typed: the names of classes and labels become unions that `fit` and `predict` know, and so does
 * what else the output is. Pure: copies and freezes, loads nothing. `createModel` has the core validate it.
 *
 * @param definition plain data
 * @returns a frozen copy
 * @throws {GatewiseError} `invalid_definition` if it holds what is no data, such as a function
 *
 * @example
 * ```ts
 * const definition = defineModel({
 *   input: { features: 5 },
 *   layers: [{ cell: "lstm", units: 64 }],
 *   output: { classes: ["lapsed", "returning"] },
 *   seed: 7,
 * });
 * ```
 */
export function defineModel<const Out extends OutputDefinition>(definition: DefinitionOf<Out>): ModelDefinition<Out> {
  try {
    return deepFreeze(structuredClone(definition)) as ModelDefinition as ModelDefinition<Out>;
  } catch (cause) {
    const message = "a definition must be plain data, as JSON has it";
    throw new GatewiseError("invalid_definition", "definition", message, { cause });
  }
}
