// The npm packages, exactly as package-lock.json names them.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { runNpm } from "./commands.mjs";
import { root } from "./places.mjs";
import { step } from "./step.mjs";

/** @typedef {{ packages: Record<string, { version?: string, optional?: boolean }> }} Lock */

/** Installs the npm packages, if one is missing or has another version. Without their install scripts: none is needed. */
export async function bringPackages() {
  if (packagesAreInstalled()) return;
  await step("npm", "Installing npm packages", "1 minute", (log) =>
    runNpm(log, ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]),
  );
}

/** Compares the lock with what npm noted in node_modules; optional packages are those of other platforms. */
function packagesAreInstalled() {
  const noted = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(noted)) return false;
  const wanted = readLock(join(root, "package-lock.json"));
  const installed = readLock(noted);
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (path === "") return true;
    if (!installed[path]) return optional === true;
    return installed[path].version === version && existsSync(join(root, path, "package.json"));
  });
}

/** @param {string} path */
function readLock(path) {
  /** @type {Lock} */
  const lock = JSON.parse(readFileSync(path, "utf8"));
  return lock.packages;
}
