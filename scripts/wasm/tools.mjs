// wasm-pack and wasm-bindgen: found on the PATH or in the cache, else brought into the cache.

import { copyFileSync, mkdirSync } from "node:fs";
import { delimiter, join } from "node:path";

import { cargoInstall, inCache } from "../setup/cargo-tools.mjs";
import { answer, isProgram, run, which } from "../setup/commands.mjs";
import { devDependency, wasmBindgenVersion } from "../setup/manifests.mjs";
import { root } from "../setup/places.mjs";
import { step } from "../setup/step.mjs";
import { atLeast, versionIn } from "../setup/versions.mjs";

/** The first wasm-pack whose builds leave what `build-wasm.mjs` expects. */
const OLDEST_WASM_PACK = "0.13.0";
/** How long the npm package's download may take, in milliseconds. */
const DOWNLOAD_TIMEOUT = 60_000;
const ENDING = process.platform === "win32" ? ".exe" : "";

/** Brings what is missing of the two. */
export async function bringWasmTools() {
  if (!findWasmPack()) await step("wasm-pack", "Bringing wasm-pack", "5 minutes where it has to be compiled", bringWasmPack);
  if (!findWasmBindgen()) {
    const version = wasmBindgenVersion();
    await step("wasm-bindgen", `Compiling wasm-bindgen ${version}`, "5 minutes", (log) => cargoInstall(log, "wasm-bindgen-cli", version));
  }
}

/** @returns {string | undefined} The path of a wasm-pack that is new enough. */
export function findWasmPack() {
  // The npm package's own command downloads when it is run: it counts only once its program is there.
  const path = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
  const candidates = [which("wasm-pack", path.join(delimiter)), inCache("wasm-pack", devDependency("wasm-pack"), "wasm-pack")];
  return candidates.find((program) => program && atLeast(versionOf(program), OLDEST_WASM_PACK));
}

/** @returns {string | undefined} The path of the wasm-bindgen with the crate's own version. */
export function findWasmBindgen() {
  const version = wasmBindgenVersion();
  const candidates = [which("wasm-bindgen"), inCache("wasm-bindgen-cli", version, "wasm-bindgen")];
  return candidates.find((program) => program && versionOf(program) === version);
}

/**
 * @param {string} log
 * @returns {Promise<string>} Where it came from.
 */
async function bringWasmPack(log) {
  const version = devDependency("wasm-pack");
  const npmPackage = join(root, "node_modules", "wasm-pack");
  try {
    await run(log, process.execPath, ["install.js"], { cwd: npmPackage, timeout: DOWNLOAD_TIMEOUT });
    const program = inCache("wasm-pack", version, "wasm-pack");
    mkdirSync(join(program, ".."), { recursive: true });
    copyFileSync(join(npmPackage, "binary", `wasm-pack${ENDING}`), program);
    if (findWasmPack()) return "the npm package's download";
  } catch {
    // No download from here: whatever stood in its way, compiling is the way that is left.
  }
  await cargoInstall(log, "wasm-pack", version);
  return "compiled, its download was not reachable";
}

/** @param {string} program */
function versionOf(program) {
  return (isProgram(program) && versionIn(answer(program, ["--version"]) ?? "")) || "0";
}
