// A fitted pipeline as JSON, which the model's file holds: its schema, and the check of what comes out of a file.

import * as v from "valibot";

import { GatewiseError } from "../../errors.js";
import { fields, validated } from "../../validate.js";
import { PipelineSchema } from "./definition.js";
import { FittedFeatureSchema } from "./features.js";
import { FittedTargetSchema } from "./targets.js";

/** The version of {@link SavedSchema}. */
export const SAVED_VERSION = 1;

/** The schema of a fitted pipeline. */
export const SavedSchema = v.pipe(
  fields({
    version: v.literal(SAVED_VERSION),
    definition: PipelineSchema,
    /** What the columns of the training part held, by name. */
    columns: v.record(v.string(), v.picklist(["number", "time", "category"])),
    features: v.array(FittedFeatureSchema),
    statics: v.array(FittedFeatureSchema),
    target: v.optional(FittedTargetSchema),
  }),
  v.check(
    ({ definition, features, statics }) =>
      features.length === definition.features.length && statics.length === definition.statics.length,
    "this must have one fitted feature for each of the definition's",
  ),
  v.check(
    ({ definition, target }) => (definition.target === undefined) === (target === undefined),
    "this must have a target where the definition has",
  ),
  v.check(
    ({ definition: { features, statics }, ...fitted }) =>
      encodes(features, fitted.features) && encodes(statics, fitted.statics),
    "this must have categories for the features that are encoded",
  ),
);

function encodes(features: readonly (string | { encode?: unknown })[], fitted: readonly { categories?: unknown }[]): boolean {
  return features.every((feature, i) => (typeof feature === "object" && feature.encode !== undefined) === (fitted[i]?.categories !== undefined));
}

/** A fitted pipeline as plain data: what the model's file holds. */
export type SavedPipeline = v.InferOutput<typeof SavedSchema>;

/** Checks what is said to be a fitted pipeline. `code` and `path` are those of errors. */
export function checkSaved(value: unknown, code: "invalid_file" | "invalid_option", path = "preprocessing"): SavedPipeline {
  const version: unknown = (value as { version?: unknown } | null)?.version;
  if (typeof version === "number" && version !== SAVED_VERSION) {
    const message = `this pipeline is of version ${version}, this Gatewise reads version ${SAVED_VERSION}: use the Gatewise that wrote it`;
    throw new GatewiseError(code, `${path}.version`, message);
  }
  return validated(SavedSchema, value, path, code);
}

/** Reads the text that a model's file holds. */
export function parseSaved(text: string): SavedPipeline {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new GatewiseError("invalid_file", "preprocessing", "the file's preprocessing is no JSON: the file is damaged", { cause });
  }
  return checkSaved(value, "invalid_file");
}
