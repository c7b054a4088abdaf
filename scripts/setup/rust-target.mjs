// Rust's standard library for another target than this machine's.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { CommandFailed, answer, run, which } from "./commands.mjs";
import { step } from "./step.mjs";

/**
 * A library that the `rustc` on the PATH has for a target, from rustup or from a distribution.
 * @param {string} target
 * @param {RegExp} file What its file is called.
 * @returns {string | undefined} Its path.
 */
export function compilersLibrary(target, file) {
  const folder = answer("rustc", ["--print", "target-libdir", "--target", target]);
  if (folder === undefined || !existsSync(folder)) return undefined;
  const name = readdirSync(folder).find((name) => file.test(name));
  return name && join(folder, name);
}

/**
 * Whether the `rustc` on the PATH has a target's standard library.
 * @param {string} target
 */
export function compilerHasTarget(target) {
  return compilersLibrary(target, /^libstd-.*\.rlib$/) !== undefined;
}

/**
 * @param {string} target
 * @param {string} name What people call it.
 * @returns {Promise<boolean>} Whether rustup is there and could fetch the target.
 */
export async function addWithRustup(target, name) {
  if (!which("rustup")) return false;
  await step(`target-${target}`, `Adding Rust's ${name} target with rustup`, "1 minute", async (log) => {
    try {
      await run(log, "rustup", ["target", "add", target]);
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
      return "rustup could not fetch it";
    }
  });
  return compilerHasTarget(target);
}
