// The README's examples, run as they stand.

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createModel } from "gatewise";
import { afterAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
// Inside the package, so that `import "gatewise"` finds it.
mkdirSync(join(root, "examples/output"), { recursive: true });
const folder = mkdtempSync(join(root, "examples/output/readme-"));
afterAll(() => rmSync(folder, { recursive: true }));

const blocks = [...readFileSync(join(root, "README.md"), "utf8").matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code ?? "");

function run(code: string): string {
  const file = join(folder, "example.mts");
  writeFileSync(file, code);
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", file], { cwd: folder, encoding: "utf8" });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return stdout;
}

test("the first example tells a sine from a square wave", () => {
  expect(run(blocks[0] ?? "")).toBe("sine native\n");
});

test("the second example loads a model and catches an error", async () => {
  const model = await createModel({
    input: { features: 8 },
    layers: [{ cell: "lstm", units: 3 }],
    output: { classes: ["lapsed", "returning"] },
  });
  mkdirSync(join(folder, "examples/orders/output"), { recursive: true });
  await model.save(join(folder, "examples/orders/output/orders.safetensors"));
  model.dispose();
  expect(run(blocks[1] ?? "")).toMatch(/lstm[^]*\nshape_mismatch x\n$/);
});

test("the third example goes from invoices to a table of comparison", () => {
  cpSync(join(root, "examples/orders/data"), join(folder, "examples/orders/data"), { recursive: true });
  const [auc, customer, ...table] = run((blocks[2] ?? "").replace(" progress: true,", "")).split("\n");
  expect(Number(auc)).toBeGreaterThan(0.72);
  expect(customer).toMatch(/^17850 (lapsed|returning)$/);
  expect(table.join("\n")).toMatch(/logistic regression {2}.*\nmajority class {2}/);
});

test("the fourth example takes a model from PyTorch, and writes it for PyTorch and for ONNX", () => {
  cpSync(join(root, "examples/pretrained/data"), join(folder, "examples/pretrained/data"), { recursive: true });
  expect(run(blocks[3] ?? "")).toMatch(/cell: 'lstm',[^]*units: 48,[^]*bidirectional: true/);
  for (const name of ["speakers.pt", "speakers.onnx"]) expect(statSync(join(folder, name)).size).toBeGreaterThan(4 * 24_000);
});

test("the fifth example tags and forecasts", () => {
  expect(run(blocks[4] ?? "")).toMatch(/^\[ '(odd|even)', '(odd|even)', '(odd|even)' \] \[ 2, 1, 3 \]\n$/);
});

test("the sixth example writes on", () => {
  expect(run(blocks[5] ?? "")).toMatch(/^1\.\d+\nhow much wood would a woodchuck/);
});

test("the seventh example takes a step with a layer by itself", () => {
  expect(run(blocks[6] ?? "")).toBe("1280 128 128\n");
});

test("there is no example that nobody runs", () => {
  expect(blocks).toHaveLength(7);
});
