// Brings what a bare checkout lacks, and nothing that is there already: `node scripts/setup.mjs demo` for the demo, `learning` for that,
// `node scripts/setup.mjs bench` for the benchmark, `interop` for models from and to other frameworks, `parity` for the comparison with other frameworks' vectors,
// `node scripts/setup.mjs test` for the tests as well, and `verify` for the long proofs on top. npm runs it before the command
// of that name.

import { requirePyTorch } from "./interop/python.mjs";
import { requireSanitizer } from "./proofs/address-sanitizer.mjs";
import { bringFuzzer } from "./proofs/fuzz.mjs";
import { bringNeon, requireNeon } from "./proofs/neon.mjs";
import { buildCoreWorker, buildFacade, buildNative, buildWasm, needsCoreWorker, needsNative, needsWasm } from "./setup/builds.mjs";
import { bringChromium, canHaveChromium, requireChromium } from "./setup/chromium.mjs";
import { CommandFailed } from "./setup/commands.mjs";
import { bringPackages } from "./setup/packages.mjs";
import { cache } from "./setup/places.mjs";
import { Problem } from "./setup/problem.mjs";
import { requireLinker, requireNode, requireRust } from "./setup/requirements.mjs";
import { bringWasmTarget } from "./wasm/target.mjs";
import { bringWasmTools } from "./wasm/tools.mjs";

const forProofs = process.argv[2] === "verify";
/** What is proved against PyTorch needs it. */
const withPyTorch = forProofs || process.argv[2] === "interop";
/** What the tests need is checked first, all of it: nobody waits minutes to be told of a missing browser. */
const forTests = forProofs || process.argv[2] === "test";
/** The benchmark measures our engine everywhere: bare, in Node, and as WebAssembly there and in a browser. */
const forBench = process.argv[2] === "bench";
const forWasm = forTests || forBench || process.argv[2] === "parity";

try {
  requireNode();
  checkAll([() => checkRust(), ...(forTests ? [requireChromium] : []), ...(forProofs ? [requireNeon, requireSanitizer] : []), ...(withPyTorch ? [requirePyTorch] : [])]);
  await bringPackages();
  await buildNative();
  await buildFacade();
  if (forWasm) await bringWasm();
  // The benchmark does without a browser where there is none to be had, and says so.
  if (forTests || (forBench && canHaveChromium())) await bringChromium();
  if (forBench) await buildCoreWorker();
  if (forProofs) await bringNeon();
  if (forProofs) await bringFuzzer();
} catch (error) {
  if (!(error instanceof Problem || error instanceof CommandFailed)) throw error;
  console.error(`\nSet-up stopped. ${error.message}\n\nThen run the same command again. Set-up keeps what it has done so far (${cache}).`);
  process.exitCode = 1;
}

/** Cargo tests the core; the demo and the benchmark need Rust only until everything is built. */
function checkRust() {
  const builds = needsNative() || (forWasm && needsWasm()) || (forBench && needsCoreWorker());
  if (!forTests && !builds) return;
  requireRust();
  if (builds || needsWasm()) requireLinker();
}

async function bringWasm() {
  if (!needsWasm()) return;
  await bringWasmTarget();
  await bringWasmTools();
  await buildWasm();
}

/**
 * Runs every check and reports all that fail at once.
 * @param {readonly (() => void)[]} checks
 */
function checkAll(checks) {
  /** @type {string[]} */
  const problems = [];
  for (const check of checks) {
    try {
      check();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problems.push(error.message);
    }
  }
  if (problems.length > 0) throw new Problem(problems.join("\n\n"));
}
