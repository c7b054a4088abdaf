// Programs that cargo compiles for the project, kept in the cache: each version once, for every checkout.

import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { CommandFailed, run } from "./commands.mjs";
import { cache } from "./places.mjs";

const ENDING = process.platform === "win32" ? ".exe" : "";

/**
 * Compiles a crate's programs into a folder of the cache.
 * @param {string} log
 * @param {string} crate
 * @param {string} version
 */
export async function cargoInstall(log, crate, version) {
  const folder = toolFolder(crate, version);
  const args = ["install", crate, "--version", `=${version}`, "--root", folder];
  // Its own build folder: what is left of the compilation is of no use to the project's.
  const { CARGO_TARGET_DIR: _, ...env } = process.env;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  try {
    await run(log, "cargo", [...args, "--locked"], { cwd: folder, env });
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    // A registry's mirror may lack one of the versions in the crate's lock.
    await run(log, "cargo", args, { cwd: folder, env });
  }
}

/**
 * Where a program is, or would be.
 * @param {string} crate
 * @param {string} version
 * @param {string} program
 */
export function inCache(crate, version, program) {
  return join(toolFolder(crate, version), "bin", program + ENDING);
}

/**
 * @param {string} crate
 * @param {string} version
 */
function toolFolder(crate, version) {
  return join(cache, "tools", `${crate}-${version}`);
}
