// `model.loadStateDict`: a state dict into a model that there is. What the main entry imports when it is first called.

import * as v from "valibot";

import type { FileSource } from "../../data/readers/source.js";
import type { ModelDescription } from "../../generated/core.js";
import { fields, validated } from "../../validate.js";
import { type GivenTensors, openState } from "./given.js";
import { mapSchema } from "./hints.js";
import { type ModuleMap, renameState } from "./map.js";
import type { Shapes } from "./match.js";
import { type StagedState, stageState } from "./stage.js";

/** How `model.loadStateDict` loads. */
export interface LoadStateOptions {
  /** Where modules belong, by prefixes of their names. Those that it does not name are placed by their names, kinds and sizes. */
  readonly map?: ModuleMap | undefined;
  /** Whether missing and unexpected tensors are an error; other shapes always are. True unless given. */
  readonly strict?: boolean | undefined;
  /** Of a `.pt` file that holds several state dicts: which of them is meant, as `readPyTorch` tells their paths: `"model"`. */
  readonly path?: string | undefined;
  /**
   * Whether NaN and infinite weights are loaded, to look at what they do: `run` gives the numbers, and the model can neither be
   * trained nor saved.
   * False unless given.
   */
  readonly allowNotFinite?: boolean | undefined;
}

const optionsSchema = fields({
  map: v.optional(mapSchema, {}),
  strict: v.optional(v.boolean("this must be true or false"), true),
  path: v.optional(v.string("this must be text")),
  allowNotFinite: v.optional(v.boolean("this must be true or false"), false),
});

/** Reads and checks everything; the model is not touched. */
export async function stageFrom(source: FileSource | GivenTensors, options: LoadStateOptions, model: ModelDescription): Promise<StagedState> {
  const { map, strict, path, allowNotFinite } = validated(optionsSchema, options, "options");
  const state = await openState(source, path);
  try {
    return await stageState(renameState(state.tensors, map, shapesOf(model)), model.tensors, { strict, allowNotFinite });
  } finally {
    await state.close();
  }
}

/** The shapes of a model's tensors. */
export function shapesOf({ tensors }: Pick<ModelDescription, "tensors">): Shapes {
  return new Map(tensors.map(({ name, shape }) => [name, shape]));
}
