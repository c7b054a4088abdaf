// A program: writes the documentation from the JSON of a run.
//   npx tsx bench/report/from-json.ts out.json

import { readFileSync } from "node:fs";

import type { Run } from "./section.js";
import { writeDocs } from "./write.js";

const [path] = process.argv.slice(2);
if (path === undefined) {
  console.error("usage: npx tsx bench/report/from-json.ts FILE, which `npm run bench -- --json FILE` has written");
  process.exitCode = 2;
} else {
  const run = JSON.parse(readFileSync(path, "utf8")) as Run;
  for (const written of writeDocs(run)) console.log(written);
}
