// Fuzzing of every parser of the core with libFuzzer, from the committed seeds on: bytes that make one panic, hang or take more memory
// than it may are printed, and kept in `crates/lstm-core/fuzz/artifacts`. What the core's tests do with the same functions is short
// and always the same (`crates/lstm-core/tests/fuzz_targets.rs`).

import { mkdirSync, readdirSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

import { cargoInstall, inCache } from "../setup/cargo-tools.mjs";
import { isProgram, which } from "../setup/commands.mjs";
import { cache, proofTargets, root } from "../setup/places.mjs";
import { step } from "../setup/step.mjs";
import { runLive } from "../testing/suite.mjs";

const VERSION = "0.13.2";
const FOLDER = join(root, "crates", "lstm-core", "fuzz");
/** Seconds for each target, unless `GATEWISE_FUZZ_SECONDS` says otherwise. */
const SECONDS = 60;
/** What an input may take: MB beside what libFuzzer has for itself, some 500 with what it knows of an hour; seconds; bytes. */
const LIMITS = ["-rss_limit_mb=2048", "-malloc_limit_mb=256", "-timeout=10", "-max_len=8192"];

/** Brings cargo-fuzz, where it is missing. */
export async function bringFuzzer() {
  if (findCargoFuzz()) return;
  await step("cargo-fuzz", `Compiling cargo-fuzz ${VERSION}`, "3 minutes", (log) => cargoInstall(log, "cargo-fuzz", VERSION));
}

/**
 * Fuzzes one target after the other. What was found to reach new code is kept in the cache, and the next run goes on from it.
 * @returns {Promise<import("../testing/suite.mjs").Result[]>}
 */
export async function fuzzSuites() {
  const seconds = Number(process.env["GATEWISE_FUZZ_SECONDS"] ?? SECONDS);
  const targets = readdirSync(join(FOLDER, "fuzz_targets")).map((file) => file.replace(/\.rs$/, ""));
  const results = [];
  for (const target of targets) results.push(await fuzz(target, seconds));
  return results;
}

/**
 * @param {string} target
 * @param {number} seconds
 * @returns {Promise<import("../testing/suite.mjs").Result>}
 */
async function fuzz(target, seconds) {
  const name = `fuzzing, ${target}, ${seconds} s`;
  const corpus = join(cache, "fuzz", target);
  mkdirSync(corpus, { recursive: true });
  const env = {
    PATH: [dirname(findCargoFuzz() ?? ""), process.env["PATH"]].join(delimiter),
    // The fuzzer's flags are unstable options of a stable compiler.
    RUSTC_BOOTSTRAP: "1",
    CARGO_TARGET_DIR: join(proofTargets, "fuzz"),
  };
  const args = ["fuzz", "run", "--fuzz-dir", FOLDER, target, corpus, join(FOLDER, "seeds", target)];
  const code = await runLive("cargo", [...args, "--", `-max_total_time=${seconds}`, "-print_final_stats=1", "-verbosity=0", ...LIMITS], { env });
  return code === 0 ? { name, passed: 1, failed: 0 } : { name, passed: 0, failed: 1, note: `ended with exit code ${code}` };
}

/** @returns {string | undefined} The path of cargo-fuzz. */
function findCargoFuzz() {
  return [which("cargo-fuzz"), inCache("cargo-fuzz", VERSION, "cargo-fuzz")].find((program) => program && isProgram(program));
}
