// Rust's standard library for WebAssembly, from the first of three sources that has it: the compiler on the PATH, rustup,
// the system's packages.

import { Problem } from "../setup/problem.mjs";
import { addWithRustup, compilerHasTarget } from "../setup/rust-target.mjs";
import { step } from "../setup/step.mjs";
import { canInstallPackages, commandForHere } from "../setup/system.mjs";
import { PACKAGES, TARGET, buildSystemToolchain, findSystemToolchain, installSystemParts, missingSystemParts } from "./system-toolchain.mjs";

/** Makes sure that something here can compile for WebAssembly. */
export async function bringWasmTarget() {
  if (compilerHasTarget(TARGET) || findSystemToolchain()) return;
  if (await addWithRustup(TARGET, "WebAssembly")) return;
  await bringSystemToolchain();
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
