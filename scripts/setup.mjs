// Brings what a bare checkout lacks, and nothing that is there already: `node scripts/setup.mjs demo` for the demo,
// `node scripts/setup.mjs test` for the tests as well. npm runs it before `npm run demo` and `npm test`.

import { buildFacade, buildNative, buildWasm, needsNative, needsWasm } from "./setup/builds.mjs";
import { bringChromium, requireChromium } from "./setup/chromium.mjs";
import { CommandFailed } from "./setup/commands.mjs";
import { bringPackages } from "./setup/packages.mjs";
import { cache } from "./setup/places.mjs";
import { Problem } from "./setup/problem.mjs";
import { requireLinker, requireNode, requireRust } from "./setup/requirements.mjs";
import { bringWasmTarget } from "./wasm/target.mjs";
import { bringWasmTools } from "./wasm/tools.mjs";

/** What the tests need is checked first, all of it: nobody waits minutes to be told of a missing browser. */
const forTests = process.argv[2] === "test";

try {
  requireNode();
  checkAll([() => checkRust(), ...(forTests ? [requireChromium] : [])]);
  await bringPackages();
  await buildNative();
  await buildFacade();
  if (forTests) await prepareTests();
} catch (error) {
  if (!(error instanceof Problem || error instanceof CommandFailed)) throw error;
  console.error(`\nSet-up stopped. ${error.message}\n\nThen run the same command again. Set-up keeps what it has done so far (${cache}).`);
  process.exitCode = 1;
}

/** Cargo tests the core; the demo needs Rust only until the addon is built. */
function checkRust() {
  if (!forTests && !needsNative()) return;
  requireRust();
  if (needsNative() || needsWasm()) requireLinker();
}

async function prepareTests() {
  if (needsWasm()) {
    await bringWasmTarget();
    await bringWasmTools();
    await buildWasm();
  }
  await bringChromium();
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
