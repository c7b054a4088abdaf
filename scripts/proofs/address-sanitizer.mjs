// The core's tests under AddressSanitizer, on every instruction set of the machine: no kernel reads or writes beyond its
// operands, not even into the next region of an arena or the rest of a cache line (`crates/lstm-core/src/memory/fence.rs`).

import { join } from "node:path";

import { answer } from "../setup/commands.mjs";
import { proofTargets } from "../setup/places.mjs";
import { Problem } from "../setup/problem.mjs";
import { compilersLibrary } from "../setup/rust-target.mjs";
import { cargoSuite } from "../testing/suite.mjs";

/** Checks that the compiler comes with the sanitizer's run-time library, as rustup's do on Linux and macOS. */
export function requireSanitizer() {
  if (compilersLibrary(host(), /_rt\.asan\./)) return;
  throw new Problem(
    `\`rustc\` comes without AddressSanitizer's library for ${host() || "this machine"}. rustup's compilers for Linux and macOS have it:`,
    "rustup toolchain install stable && rustup default stable",
  );
}

/**
 * Runs the core's tests.
 * @returns {Promise<import("../testing/suite.mjs").Result>}
 */
export async function sanitizerSuite() {
  const env = {
    // The sanitizer is an unstable option of a stable compiler.
    RUSTC_BOOTSTRAP: "1",
    RUSTFLAGS: "-Zsanitizer=address --cfg address_sanitizer",
    // A test asks for more memory than there is, and wants to be refused as usual.
    ASAN_OPTIONS: "allocator_may_return_null=1",
    CARGO_TARGET_DIR: join(proofTargets, "address-sanitizer"),
  };
  // With a target named, build scripts and macros stay as they are.
  const args = ["-p", "lstm-core", "--features", "threads", "--target", host(), "--lib", "--tests"];
  return cargoSuite("core under AddressSanitizer", args, env);
}

/** @returns {string} The target that `rustc` compiles for by itself. */
function host() {
  return /^host: (.+)$/m.exec(answer("rustc", ["-vV"]) ?? "")?.[1] ?? "";
}
