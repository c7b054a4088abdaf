// `npm run schema`: the JSON schema of configuration files, for editors. Comes from the schemas that the command itself validates
// with, the pipeline's and the entrants', and from the definition's, which the core generates.

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { toJsonSchema } from "@valibot/to-json-schema";
import type { GenericSchema } from "valibot";

import { ClassifierEntrantSchema, ForecasterEntrantSchema } from "../src/baselines/compare/entrants.js";
import { ConfigSchema } from "../src/cli/config.js";
import { PipelineSchema } from "../src/data/pipeline/definition.js";

export const PLACE = fileURLToPath(new URL("../schema/gatewise.schema.json", import.meta.url));
const DEFINITION = new URL("../src/generated/definition.schema.json", import.meta.url);

type Json = { [key: string]: Json } & { properties: Record<string, Json>; anyOf: Json[] };

/** The schema as text. */
export function configSchema(): string {
  const schema = schemaOf(ConfigSchema);
  const { $schema: _dialect, $defs, required: _all, ...definition } = JSON.parse(readFileSync(DEFINITION, "utf8")) as Json;
  // What the data says may be left out.
  schema.properties["definition"] = { ...definition, required: ["layers"] } as unknown as Json;
  const { data, comparison } = schema.properties as { data: Json; comparison: Json };
  const [table] = data.anyOf as [Json];
  table.properties["pipeline"] = schemaOf(PipelineSchema);
  (comparison.properties["entrants"] as Json)["items"] = { anyOf: [schemaOf(ClassifierEntrantSchema), schemaOf(ForecasterEntrantSchema)] } as unknown as Json;
  const title = "gatewise.json: what the command gatewise is told";
  return `${JSON.stringify({ $schema: "http://json-schema.org/draft-07/schema#", title, ...schema, $defs: { ...schema["$defs"], ...$defs } }, null, 2)}\n`;
}

/** Without what JSON schema cannot say: that one number is above another. */
function schemaOf(schema: GenericSchema): Json {
  const { $schema: _dialect, ...rest } = toJsonSchema(schema, { errorMode: "ignore", typeMode: "input" }) as unknown as Json;
  return rest as Json;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(PLACE, configSchema());
