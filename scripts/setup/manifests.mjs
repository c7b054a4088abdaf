// What the project's manifests say about versions. Set-up repeats none of them.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { Problem } from "./problem.mjs";
import { root } from "./places.mjs";

/** @typedef {{ version: string, engines: { node: string }, napi: object, scripts: Record<string, string>, devDependencies: Record<string, string> }} PackageJson */

/** @type {PackageJson} */
export const packageJson = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** The oldest Rust that the crates compile with (`rust-version`). */
export function oldestRust() {
  return capture("Cargo.toml", /^rust-version = "([\d.]+)"/m);
}

/** The version of the crate wasm-bindgen; its command line tool must be the same. */
export function wasmBindgenVersion() {
  return capture("Cargo.lock", /^name = "wasm-bindgen"\r?\nversion = "([\d.]+)"/m);
}

/**
 * @param {string} name A package of `devDependencies`, whose versions are exact.
 * @returns {string}
 */
export function devDependency(name) {
  const version = packageJson.devDependencies[name];
  if (!version) throw new Problem(`package.json has no devDependency ${name}`);
  return version;
}

/**
 * @param {string} file
 * @param {RegExp} pattern
 * @returns {string} What its first group matches.
 */
function capture(file, pattern) {
  const found = pattern.exec(readFileSync(join(root, file), "utf8"))?.[1];
  if (!found) throw new Problem(`${file} does not say ${pattern}`);
  return found;
}
