// Writes what `shakespeare.py` begins with into a folder: the settings, and the first weights of every seed.
//   npx tsx examples/learning/shakespeare-export.ts DIR

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createModel } from "gatewise";
import { SETTINGS, networkOf } from "./shakespeare-network.js";

const [directory = "."] = process.argv.slice(2);
writeFileSync(join(directory, "settings.json"), JSON.stringify(SETTINGS));
for (const seed of SETTINGS.seeds) {
  using model = await createModel(networkOf(seed));
  await model.save(join(directory, `seed-${seed}.safetensors`));
}
