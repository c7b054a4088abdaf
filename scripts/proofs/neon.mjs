// The core's tests on NEON, on a machine that has none: compiled for 64-bit Arm, run by QEMU. A machine of that kind has run
// them already.

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

import { answer, which } from "../setup/commands.mjs";
import { proofTargets } from "../setup/places.mjs";
import { Problem } from "../setup/problem.mjs";
import { addWithRustup, compilerHasTarget } from "../setup/rust-target.mjs";
import { step } from "../setup/step.mjs";
import { canInstallPackages, installPackages } from "../setup/system.mjs";
import { cargoSuite } from "../testing/suite.mjs";

const TARGET = "aarch64-unknown-linux-gnu";
const COMPILER = "aarch64-linux-gnu-gcc";
const EMULATOR = "qemu-aarch64";
/** What brings the compiler, its C library and the emulator on Debian and its kin. */
const PACKAGES = ["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross", "qemu-user"];

const isNative = process.arch === "arm64";

/** Checks that everything is there or can be brought; nothing that takes long. */
export function requireNeon() {
  if (isNative) return;
  if (process.platform !== "linux") {
    throw new Problem("The proof of NEON emulates an Arm processor, which QEMU does for programs on Linux only. Run it there.");
  }
  if (missingTools().length > 0 && !canInstallPackages()) throw noTools();
}

/** Brings what is missing. */
export async function bringNeon() {
  if (isNative) return;
  if (missingTools().length > 0) {
    await step("neon", `Installing ${PACKAGES.join(" ")} for the proof of NEON`, "2 minutes", (log) => installPackages(log, PACKAGES));
    if (missingTools().length > 0) throw noTools();
  }
  if (compilerHasTarget(TARGET) || (await addWithRustup(TARGET, "64-bit Arm"))) return;
  throw new Problem(
    `Rust's standard library for 64-bit Arm (${TARGET}) is missing and cannot be fetched from here. Install it:`,
    `rustup target add ${TARGET}\nor, where Rust is Debian's own:\n` +
      "dpkg --add-architecture arm64 && apt-get update && apt-get install -y --no-install-recommends libstd-rust-dev:arm64",
  );
}

/**
 * Runs the core's tests on NEON. Documentation's examples compute nothing that these do not.
 * @returns {Promise<import("../testing/suite.mjs").Result[]>} None where the core's own suite has done so.
 */
export async function neonSuite() {
  if (isNative) return [];
  const env = {
    CARGO_TARGET_DIR: join(proofTargets, "neon"),
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER: COMPILER,
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER: `${EMULATOR} -L ${armRoot()}`,
  };
  const args = ["-p", "lstm-core", "--features", "threads", "--target", TARGET, "--lib", "--tests"];
  return [await cargoSuite("core on NEON, emulated", args, env)];
}

/** @returns {string[]} */
function missingTools() {
  return [
    ...[COMPILER, EMULATOR].filter((program) => !which(program)),
    ...(which(COMPILER) && !armRoot() ? [`C library for ${COMPILER}`] : []),
  ];
}

/** @returns {string | undefined} The folder that is an Arm system's root for its programs: it holds `lib/libc.so.6`. */
function armRoot() {
  const library = answer(COMPILER, ["-print-file-name=libc.so.6"]);
  return library && existsSync(library) ? dirname(dirname(library)) : undefined;
}

function noTools() {
  const sudo = process.getuid?.() === 0 ? "" : "sudo ";
  return new Problem(
    `The proof of NEON has no ${missingTools().join(", no ")}. On Debian and Ubuntu:`,
    `${sudo}apt-get install -y --no-install-recommends ${PACKAGES.join(" ")}`,
  );
}
