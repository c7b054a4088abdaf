// A toolchain for WebAssembly where rustup reaches no server: the system's Rust, whose sources come as a package, builds
// the standard library; a folder in the cache then looks like a toolchain that has the target. Debian has the packages.

import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { answer, isProgram, run, which } from "../setup/commands.mjs";
import { cache } from "../setup/places.mjs";
import { Problem } from "../setup/problem.mjs";
import { installPackages } from "../setup/system.mjs";
import { versionIn } from "../setup/versions.mjs";

/** What Debian's packages for the recipe are called. */
export const PACKAGES = ["rustc-web", "cargo-web", "rust-web-src", "lld-19"];

/** The target of the WebAssembly build. */
export const TARGET = "wasm32-unknown-unknown";
// The system's own, by path: rustup's come first on the PATH and know nothing of the packages' sources.
const RUSTC = "/usr/bin/rustc";
const CARGO = "/usr/bin/cargo";
const LINKERS = ["wasm-ld-19", "wasm-ld", "wasm-ld-20", "wasm-ld-21", "wasm-ld-22"];

/**
 * `bin` holds cargo and rustc. `target` is for what they compile: cargo does not see that a standard library was built anew,
 * so what was compiled against the old one has to go with it.
 * @typedef {{ bin: string, linker: string, target: string }} Toolchain
 */

/**
 * The toolchain that was built earlier.
 * @returns {Toolchain | undefined}
 */
export function findSystemToolchain() {
  const folder = toolchainFolder();
  const linker = findLinker();
  // rustc is what the build writes last.
  if (!folder || !linker || !isProgram(join(folder, "bin", "rustc"))) return undefined;
  return { bin: join(folder, "bin"), linker, target: join(folder, "target") };
}

/**
 * What the recipe lacks.
 * @returns {string[]}
 */
export function missingSystemParts() {
  const sources = vendoredSources();
  return [
    ...[RUSTC, CARGO].filter((program) => !isProgram(program)),
    ...(sources && existsSync(sources) ? [] : ["source of Rust's standard library with its dependencies"]),
    ...(findLinker() ? [] : ["wasm-ld"]),
  ];
}

/**
 * Installs what the recipe needs.
 * @param {string} log
 */
export async function installSystemParts(log) {
  await installPackages(log, PACKAGES);
}

/**
 * Builds the standard library and puts the toolchain together. Needs every part.
 * @param {string} log
 * @returns {Promise<void>}
 */
export async function buildSystemToolchain(log) {
  const toolchain = toolchainFolder();
  if (!toolchain) throw new Problem(`${RUSTC} does not run.`);
  const scratch = mkdtempSync(join(tmpdir(), "gatewise-std-"));
  try {
    assemble(toolchain, await buildStandardLibrary(log, scratch));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * Compiles a crate that has nothing in it, and with it the standard library.
 * @param {string} log
 * @param {string} scratch An empty folder.
 * @returns {Promise<string>} The folder with the libraries.
 */
async function buildStandardLibrary(log, scratch) {
  mkdirSync(join(scratch, "src"));
  mkdirSync(join(scratch, ".cargo"));
  writeFileSync(join(scratch, "src", "lib.rs"), "");
  writeFileSync(join(scratch, "Cargo.toml"), '[package]\nname = "nothing"\nversion = "0.0.0"\nedition = "2024"\n');
  writeFileSync(
    join(scratch, ".cargo", "config.toml"),
    `[source.crates-io]\nreplace-with = "packaged"\n\n[source.packaged]\ndirectory = "${vendoredSources()}"\n`,
  );
  // Unstable options of a stable compiler are for this one build, of the standard library itself.
  // The bitcode, as in every standard library that is handed out: the release profile's LTO reads it.
  const RUSTFLAGS = "-C embed-bitcode=yes";
  const env = { ...process.env, RUSTFLAGS, RUSTC, RUSTC_BOOTSTRAP: "1", CARGO_TARGET_DIR: join(scratch, "target") };
  await run(log, CARGO, ["build", "--release", "--offline", "-Zbuild-std=std,panic_abort", "--target", TARGET], { cwd: scratch, env });
  return join(scratch, "target", TARGET, "release", "deps");
}

/**
 * @param {string} toolchain The folder to make.
 * @param {string} libraries Where the compiled libraries are.
 */
function assemble(toolchain, libraries) {
  rmSync(toolchain, { recursive: true, force: true });
  const [bin, rustlib] = [join(toolchain, "bin"), join(toolchain, "lib", "rustlib")];
  const target = join(rustlib, TARGET, "lib");
  mkdirSync(bin, { recursive: true });
  mkdirSync(target, { recursive: true });
  for (const file of readdirSync(libraries)) {
    if (file.endsWith(".rlib") && !file.startsWith("libnothing-")) copyFileSync(join(libraries, file), join(target, file));
  }
  // Build scripts and procedural macros run here: they need the host's libraries.
  const host = /^host: (.+)$/m.exec(answer(RUSTC, ["-vV"]) ?? "")?.[1] ?? "";
  symlinkSync(join(answer(RUSTC, ["--print", "sysroot"]) ?? "", "lib", "rustlib", host), join(rustlib, host));
  symlinkSync(CARGO, join(bin, "cargo"));
  writeFileSync(join(bin, "rustc"), `#!/bin/sh\nexec ${RUSTC} --sysroot '${toolchain}' "$@"\n`);
  chmodSync(join(bin, "rustc"), 0o755);
}

/** @returns {string | undefined} One folder for each version of the system's compiler; undefined without one. */
function toolchainFolder() {
  const version = versionIn(answer(RUSTC, ["--version"]) ?? "");
  return version && join(cache, "toolchains", `${TARGET}-${version}`);
}

/** @returns {string | undefined} The crates that the standard library depends on. */
function vendoredSources() {
  const sysroot = answer(RUSTC, ["--print", "sysroot"]);
  return sysroot && join(sysroot, "lib", "rustlib", "src", "rust", "library", "vendor");
}

function findLinker() {
  return LINKERS.map((name) => which(name)).find(Boolean);
}
