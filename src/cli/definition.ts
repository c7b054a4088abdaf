// A configuration's definition with what it may leave out: the data says how many features there are, and what is predicted.

import type { DefinitionOf } from "../model/definition.js";
import type { OutputDefinition } from "../model/outputs.js";
import type { Config } from "./config.js";
import type { Parts } from "./parts.js";

/** The fields of input and output that are not given are the data's. Whether it is a definition is the core's to judge. */
export function completeDefinition(given: NonNullable<Config["definition"]>, { input, output }: Parts): DefinitionOf<OutputDefinition> {
  const { input: asked, output: wanted, ...rest } = given as { input?: object; output?: object };
  const says = ["classes", "labels", "values"].some((field) => wanted !== undefined && field in wanted);
  return { ...rest, input: { ...input, ...asked }, output: { ...(says ? {} : output), ...wanted } } as unknown as DefinitionOf<OutputDefinition>;
}
