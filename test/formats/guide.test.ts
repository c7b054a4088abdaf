// The guide's programs (docs/formats.md), run as they stand: what they print is what their comments say.

import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { encodePyTorch, readPyTorch } from "gatewise/formats";
import { afterAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
// Inside the package, so that `import "gatewise"` finds it.
mkdirSync(join(root, "examples/output"), { recursive: true });
const folder = mkdtempSync(join(root, "examples/output/guide-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("every program prints what it says", async () => {
  const checkpoint = join(root, "test/vectors/state-dicts/checkpoint.pt");
  copyFileSync(checkpoint, join(folder, "checkpoint.pt"));
  const file = await readPyTorch(checkpoint);
  const tensors = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  for (const [name, { shape, read }] of file.tensors("model")) tensors.set(name, { shape, data: await read() });
  await file.close();
  writeFileSync(join(folder, "speakers.pt"), encodePyTorch(tensors));
  const programs = [...readFileSync(join(root, "docs/formats.md"), "utf8").matchAll(/```ts\n(.*?)^```/gms)].map(([, code]) => code ?? "");
  expect(programs).toHaveLength(3);
  for (const [index, code] of programs.entries()) {
    writeFileSync(join(folder, `guide-${index}.mts`), code);
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", `guide-${index}.mts`], { cwd: folder, encoding: "utf8" });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const said = [...code.matchAll(/^console\.log\(.*\); \/\/ (.*)$/gm)].map(([, comment]) => comment);
    // Node breaks long lines of objects.
    expect(stdout.replaceAll(/\n {2}/g, " ").replaceAll("\n}", " }").trimEnd().split("\n")).toEqual(said);
  }
});
