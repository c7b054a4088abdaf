// The example of docs/tuning.md, run as it stands.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
// Inside the package, so that `import "gatewise"` finds it.
mkdirSync(join(root, "examples/output"), { recursive: true });
const folder = mkdtempSync(join(root, "examples/output/tuning-"));
afterAll(() => rmSync(folder, { recursive: true }));

const blocks = [...readFileSync(join(root, "docs/tuning.md"), "utf8").matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code ?? "");

test("it finds a network that learns", () => {
  expect(blocks).toHaveLength(1);
  const file = join(folder, "example.mts");
  writeFileSync(file, blocks[0] ?? "");
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", file], { cwd: root, encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout.split("\n")[0]?.trim().split(/ +/)).toEqual(["trial", "epochs", "accuracy", "cell", "units", "layers", "dropout", "learningRate", "trained", "seconds"]);
  expect(stdout).toMatch(/\ntrue\n$/);
});
