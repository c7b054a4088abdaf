// What is in the package, and whether its manifest is true.

import { readFileSync, readdirSync, statSync } from "node:fs";
import { join, sep } from "node:path";

import { publint } from "publint";
import { afterAll, beforeAll, expect, test } from "vitest";

import { BROUGHT, CHECKOUT, Packed, runTool } from "./tarball.js";

let packed: Packed;
let installed: string;

beforeAll(() => {
  packed = new Packed();
  installed = join(packed.install("contents"), "node_modules/gatewise");
});
afterAll(() => packed.dispose());

/** Every file below `folder`, as paths with slashes, sorted. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1).replaceAll(sep, "/"))
    .toSorted();
}

test("it holds the facade, both bindings, the licences, and nothing else", () => {
  const files = filesBelow(installed);
  const addons = files.filter((file) => /^bindings\/node\/gatewise\.[\w-]+\.node$/.test(file));
  expect(addons).not.toEqual([]);
  expect(files.filter((file) => !file.startsWith("dist/") && !addons.includes(file))).toEqual([
    "CHANGELOG.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "bindings/node/index.d.ts",
    "bindings/node/index.js",
    "bindings/wasm/pkg/gatewise.d.ts",
    "bindings/wasm/pkg/gatewise.js",
    "bindings/wasm/pkg/gatewise_bg.wasm",
    "package.json",
    "schema/gatewise.schema.json",
  ]);
});

test("the facade in it is the one of the sources: no file is missing, none is left over", () => {
  const modules = filesBelow(join(CHECKOUT, "src")).filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"));
  const expected = modules.flatMap((file) => [file.replace(/ts$/, "js"), file.replace(/ts$/, "d.ts")]);
  expect(filesBelow(join(installed, "dist"))).toEqual(expected.toSorted());
});

test("it runs no script when it is installed, and brings few other packages", () => {
  const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
  for (const script of ["preinstall", "install", "postinstall", "prepare"]) {
    expect(manifest.scripts).not.toHaveProperty(script);
  }
  expect(Object.keys(manifest.dependencies)).toEqual(["citty", "cli-progress", "fflate", "valibot"]);
  const found = readdirSync(join(installed, "..")).filter((name) => !name.startsWith("."));
  expect(found.toSorted()).toEqual([...BROUGHT.map((path) => path.split("/node_modules/").at(-1)), "gatewise"].toSorted());
});

test("it is small", () => {
  const bytes = statSync(packed.tarball).size;
  console.log(`The tarball has ${(bytes / 1024).toFixed(0)} KiB, with one platform's addon.`);
  // Some 3 MiB, most of it the addon; debug builds, or the test data, would be far more.
  expect(bytes).toBeLessThan(4 * 1024 * 1024);
});

test("publint has nothing to say", async () => {
  const tarball = new Uint8Array(readFileSync(packed.tarball)).buffer;
  const { messages } = await publint({ pack: { tarball }, strict: true });
  expect(messages).toEqual([]);
});

test("its types resolve wherever ECMAScript modules do", () => {
  // By default it would ask DefinitelyTyped's registry. `esm-only`: from CommonJS, Node's require() takes the module.
  const args = [packed.tarball, "--profile", "esm-only", "--no-definitely-typed", "--no-color"];
  const { status, stdout } = runTool("@arethetypeswrong/cli/dist/index.js", args, CHECKOUT);
  expect(status, stdout).toBe(0);
});
