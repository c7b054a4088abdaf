// Has the compiler check labels.ts, outputs.ts and training.ts as a user's code, against the declarations of the compiled package.

import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

test("the types say what a model predicts and how it is trained", () => {
  const compiler = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
  const project = fileURLToPath(new URL("tsconfig.json", import.meta.url));
  const { status, stdout } = spawnSync(process.execPath, [compiler, "-p", project]);
  expect({ status, output: stdout.toString() }).toEqual({ status: 0, output: "" });
});
