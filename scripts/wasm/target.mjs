// Rust's standard library for WebAssembly, from the first of three sources that has it: the compiler on the PATH, rustup,
// the system's packages.

import { existsSync, readdirSync } from "node:fs";

import { CommandFailed, answer, run, which } from "../setup/commands.mjs";
import { Problem } from "../setup/problem.mjs";
import { step } from "../setup/step.mjs";
import { canInstallPackages, commandForHere } from "../setup/system.mjs";
import { PACKAGES, TARGET, buildSystemToolchain, findSystemToolchain, installSystemParts, missingSystemParts } from "./system-toolchain.mjs";

/** Makes sure that something here can compile for WebAssembly. */
export async function bringWasmTarget() {
  if (compilerHasTarget() || findSystemToolchain()) return;
  if (which("rustup") && (await addWithRustup())) return;
  await bringSystemToolchain();
}

/** Whether the `rustc` on the PATH has the target's standard library, from rustup or from a distribution. */
export function compilerHasTarget() {
  const folder = answer("rustc", ["--print", "target-libdir", "--target", TARGET]);
  return folder !== undefined && existsSync(folder) && readdirSync(folder).some((file) => /^libstd-.*\.rlib$/.test(file));
}

/** @returns {Promise<boolean>} Whether rustup could fetch the target. */
async function addWithRustup() {
  await step("wasm-target", "Adding Rust's WebAssembly target with rustup", "1 minute", async (log) => {
    try {
      await run(log, "rustup", ["target", "add", TARGET]);
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
      return "rustup could not fetch it";
    }
  });
  return compilerHasTarget();
}

/** Builds the standard library from the sources that the system's packages bring. */
export async function bringSystemToolchain() {
  if (missingSystemParts().length > 0) {
    if (!canInstallPackages()) throw noTarget();
    await step("wasm-packages", `Installing ${PACKAGES.join(" ")} for the WebAssembly target`, "2 minutes", installSystemParts);
    const missing = missingSystemParts();
    if (missing.length > 0) throw new Problem(`The packages ${PACKAGES.join(", ")} are installed, but there is no ${missing.join(", no ")}.`);
  }
  await step("wasm-std", "Building Rust's standard library for WebAssembly", "2 minutes", buildSystemToolchain);
}

function noTarget() {
  const rustup = `rustup target add ${TARGET}`;
  return new Problem(
    `Rust's WebAssembly target (${TARGET}) is missing and cannot be fetched from here. Install it:`,
    commandForHere({
      debian: `apt-get install -y --no-install-recommends ${PACKAGES.join(" ")}`,
      fedora: "dnf install rust-std-static-wasm32-unknown-unknown lld",
      arch: "pacman -S rust-wasm lld",
      alpine: "apk add rust-wasm lld",
      macos: rustup,
      windows: rustup,
    }),
  );
}
