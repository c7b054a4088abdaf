// What is compiled from this checkout: the addon, the facade, the WebAssembly module. Each once for each state of its
// sources.

import { existsSync, readdirSync, rmSync } from "node:fs";
import { join, relative } from "node:path";

import { run, runNpm } from "./commands.mjs";
import { devDependency, packageJson } from "./manifests.mjs";
import { root } from "./places.mjs";
import { filesIn, isUpToDate, stamp } from "./stamps.mjs";
import { step } from "./step.mjs";

/** @typedef {import("./stamps.mjs").Build} Build */

const CORE = ["Cargo.toml", "Cargo.lock", "crates/lstm-core/Cargo.toml", "crates/lstm-core/src"];
const { scripts } = packageJson;

/** @type {Build} */
const native = {
  name: "native",
  inputs: [...CORE, "bindings/node/Cargo.toml", "bindings/node/build.rs", "bindings/node/src"],
  settings: [packageJson.version, packageJson.napi, scripts["build:native"], devDependency("@napi-rs/cli")],
  outputs: () => ["bindings/node/index.js", "bindings/node/index.d.ts", ...addons()],
};

/** @type {Build} */
const facade = {
  name: "facade",
  inputs: ["tsconfig.json", "tsconfig.build.json", "src"],
  settings: [scripts["build:ts"], devDependency("typescript"), devDependency("esbuild")],
  outputs: compiledFiles,
};

/** @type {Build} */
const wasm = {
  name: "wasm",
  inputs: [...CORE, "bindings/wasm/Cargo.toml", "bindings/wasm/src", "scripts/build-wasm.mjs", "scripts/wasm"],
  settings: [devDependency("binaryen"), devDependency("wasm-pack")],
  outputs: () => ["gatewise.js", "gatewise.d.ts", "gatewise_bg.wasm"].map((name) => `bindings/wasm/pkg/${name}`),
};

/** Cargo's folder for what it builds. */
const cargoTarget = process.env["CARGO_TARGET_DIR"] ?? join(root, "target");

/** The Rust program that the benchmark measures the bare core with; it stays in cargo's folder. */
export const coreWorkerPath = join(cargoTarget, "release", "examples", process.platform === "win32" ? "bench_worker.exe" : "bench_worker");

/** @type {Build} */
const coreWorker = {
  name: "core-worker",
  inputs: [...CORE, "crates/lstm-core/examples/bench_worker.rs"],
  settings: [],
  outputs: () => [relative(root, coreWorkerPath)],
};

/** Whether the addon has to be built. */
export const needsNative = () => !isUpToDate(native);

/** Whether the WebAssembly module has to be built. */
export const needsWasm = () => !isUpToDate(wasm);

/** The addon for this platform. */
export async function buildNative() {
  if (!needsNative()) return;
  await step("native", "Building the native addon", "3 minutes", (log) => runNpm(log, ["run", "build:native"]));
  stamp(native);
}

/** The facade, compiled. */
export async function buildFacade() {
  if (isUpToDate(facade)) return;
  await step("facade", "Compiling the TypeScript facade", "10 seconds", (log) => {
    // What a removed source has left would be published.
    rmSync(join(root, "dist"), { recursive: true, force: true });
    return runNpm(log, ["run", "build:ts"]);
  });
  stamp(facade);
}

/** The WebAssembly module and its glue. */
export async function buildWasm() {
  if (!needsWasm()) return;
  await step("wasm", "Building the WebAssembly module", "2 minutes", (log) => runNpm(log, ["run", "build:wasm"]));
  stamp(wasm);
}

/** Whether the benchmark's program has to be built. */
export const needsCoreWorker = () => !isUpToDate(coreWorker);

/** The benchmark's program. */
export async function buildCoreWorker() {
  if (!needsCoreWorker()) return;
  const args = ["build", "--release", "-p", "lstm-core", "--features", "threads", "--example", "bench_worker"];
  await step("core-worker", "Building the benchmark's view of the core", "2 minutes", (log) => run(log, "cargo", args));
  stamp(coreWorker);
}

/** The addons in their folder; if there is none, the name of one that is missing. */
function addons() {
  const folder = join(root, "bindings/node");
  const found = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".node")) : [];
  return (found.length > 0 ? found : ["gatewise.node"]).map((name) => `bindings/node/${name}`);
}

/** What the sources compile to: `src/a/b.ts` to `dist/a/b.js`. */
function compiledFiles() {
  const sources = filesIn("src").filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"));
  return sources.flatMap((file) => [".js", ".d.ts"].map((ending) => file.replace(/^src/, "dist").replace(/\.ts$/, ending)));
}
