// The JSON schema that editors read: it is the one that the sources make, and it holds together.

import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { PLACE, configSchema } from "../../scripts/config-schema.js";

const committed = readFileSync(PLACE, "utf8");

test("it is what `npm run schema` writes", () => {
  expect(committed).toBe(configSchema());
});

test("every reference leads somewhere", () => {
  const { $defs } = JSON.parse(committed);
  const references = [...committed.matchAll(/"\$ref": "([^"]*)"/g)].map(([, to]) => to ?? "");
  expect(references.length).toBeGreaterThan(10);
  for (const to of references) expect(Object.keys($defs)).toContain(to.replace("#/$defs/", ""));
});

test("it knows the sections, and what the core and the pipeline know of theirs", () => {
  const { properties, required } = JSON.parse(committed);
  expect(required).toEqual(["data"]);
  expect(Object.keys(properties)).toEqual(["$schema", "data", "split", "definition", "training", "machine", "output", "tuning", "comparison"]);
  expect(properties.definition.properties.layers.items).toEqual({ $ref: "#/$defs/LayerDefinition" });
  expect(properties.data.anyOf[0].properties.pipeline.properties).toHaveProperty("window");
  expect(properties.data.anyOf[0].properties.pipeline.required).toEqual(["features"]);
});
