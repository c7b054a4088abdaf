// What a model is, as data. Knows nothing of backends: whether a definition is a good one is the core's to judge.

import { GatewiseError } from "../errors.js";
import type * as core from "../generated/core.js";
import { deepFreeze } from "../json.js";

/** A plain type that cannot be written to, all the way down. */
export type DeepReadonly<T> = T extends object ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> } : T;

/**
 * A network as data: what goes in, the recurrent layers from the input upwards, what comes out. It is JSON, and every model
 * file holds it. `Label` is the union of its classes' names.
 */
export type ModelDefinition<Label extends string = string> = DeepReadonly<Omit<core.ModelDefinition, "output">> & {
  /** What the model predicts, from the last valid step of each sequence. */
  readonly output: DeepReadonly<Omit<core.OutputDefinition, "classes">> & {
    /** The classes' names, at least two, no two alike. With two classes, the second is the positive one in reports. */
    readonly classes: readonly Label[];
  };
};

/**
 * A model's definition, typed: the classes' names become a union that `fit` and `predict` know. Pure: copies and freezes,
 * loads nothing. `createModel` has the core validate it.
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
export function defineModel<const Label extends string>(definition: ModelDefinition<Label>): ModelDefinition<Label> {
  try {
    return deepFreeze(structuredClone(definition));
  } catch (cause) {
    const message = "a definition must be plain data, as JSON has it";
    throw new GatewiseError("invalid_definition", "definition", message, { cause });
  }
}
