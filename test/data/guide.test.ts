// The guide's program (docs/data.md), run as it stands.

import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
// Inside the package, so that `import "gatewise"` finds it.
mkdirSync(join(root, "examples/output"), { recursive: true });
const folder = mkdtempSync(join(root, "examples/output/guide-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("it learns from invoices, and predicts from two of them", () => {
  const [, code = ""] = /```ts\n(.*?)^```/ms.exec(readFileSync(join(root, "docs/data.md"), "utf8")) ?? [];
  copyFileSync(join(root, "examples/orders/data/invoices.csv.gz"), join(folder, "invoices.csv.gz"));
  writeFileSync(join(folder, "guide.mts"), code);
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", "guide.mts"], { cwd: folder, encoding: "utf8" });
  // No leak is warned of.
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const [auc, prediction] = stdout.trimEnd().split("\n");
  expect(Number(auc)).toBeGreaterThan(0.65);
  expect(prediction).toMatch(/^17850 2011-09-16T00:00:00.000Z (lapsed|returning)$/);
});
