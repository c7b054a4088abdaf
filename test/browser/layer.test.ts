// `gatewise/layers` from a page that Vite built: the very numbers of Node's WebAssembly.

import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { createLayer } from "gatewise/layers";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

import { Packed, type Run } from "../packaging/tarball.js";
import { launchChromium, openPage } from "./chromium.js";
import { type Site, build, serveBuilt } from "./site.js";

const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";

// What both sides run, with `createLayer` in scope.
const BODY = `
  const layer = await createLayer({ cell: "lstm", units: 5, bidirectional: true }, { inputs: 3, seed: 9, backend: "wasm" });
  const x = Float32Array.from({ length: 2 * 4 * 3 }, (_, i) => ((i * 7) % 11) / 11 - 0.5);
  const { hidden, finalCell } = layer.forward({ x, shape: [2, 4, 3], lengths: [4, 2] });
  const gradients = layer.backward({ hidden, finalCell });
  return [layer.backend.isa, ...[hidden, finalCell, gradients.x, gradients.parameters.weight_hh_l0_reverse.data].map((v) => [...v])];
`;

let packed: Packed;
let browser: Browser;
let built: Run;
let site: Site;
beforeAll(async () => {
  packed = new Packed();
  const project = packed.install("layer");
  writeFileSync(join(project, "index.html"), `<!doctype html><title>A layer</title><link rel="icon" href="data:,"><script type="module" src="main.js"></script>`);
  writeFileSync(
    join(project, "main.js"),
    `import { createLayer } from "gatewise/layers";
     const run = async () => {${BODY}};
     document.body.dataset.numbers = JSON.stringify(await run());`,
  );
  built = build(project);
  site = await serveBuilt(project, `${POLICY}; img-src data:`);
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
  packed?.dispose();
});

test("a page computes a layer's states and gradients as Node does, to the bit", async () => {
  expect(built).toMatchObject({ status: 0, stderr: "" });
  const { page, complaints } = await openPage(browser, site.url);
  const body = page.locator("body[data-numbers]");
  await body.waitFor({ state: "attached" });
  const run = new Function("createLayer", `return (async () => {${BODY}})();`) as (create: typeof createLayer) => Promise<unknown[]>;
  expect(JSON.parse((await body.getAttribute("data-numbers")) ?? "")).toEqual(await run(createLayer));
  expect(complaints).toEqual([]);
  await page.close();
});
