// `npm run verify`: the long proofs after the tests. A proof is a suite of tests, or a command that fails when what it proves
// does not hold.

import { randomInt } from "node:crypto";

import { sanitizerSuite } from "./proofs/address-sanitizer.mjs";
import { definitionsSuite } from "./proofs/definitions.mjs";
import { fuzzSuites } from "./proofs/fuzz.mjs";
import { neonSuite } from "./proofs/neon.mjs";
import { runLive } from "./testing/suite.mjs";
import { runSuites } from "./testing/suites.mjs";
import { summarize } from "./testing/summary.mjs";

const EXAMPLE = ["run", "--release", "-p", "lstm-core", "--example"];

/** @param {string} program Of `examples/learning`: fails when what it trains has not learned. */
const learning = (program) => ({
  name: `learning, ${program}`,
  command: process.execPath,
  args: ["--import", "tsx", `examples/learning/${program}.ts`, "--check"],
});

/** Random models in ONNX Runtime: many more than `npm test` has, and others each time. The seed in the name brings them back. */
const onnx = (/** @type {string} */ seed) => ({
  name: `ONNX exports of random definitions, GATEWISE_SEED=${seed}`,
  command: process.execPath,
  args: ["node_modules/vitest/vitest.mjs", "run", "test/formats/onnx/random.test.ts"],
  env: { GATEWISE_CASES: "3000", GATEWISE_SEED: seed },
});

/** Files of PyTorch edited at random, likewise. */
const damage = (/** @type {string} */ seed) => ({
  name: `damaged files of PyTorch, GATEWISE_SEED=${seed}`,
  command: process.execPath,
  args: ["node_modules/vitest/vitest.mjs", "run", "test/formats/pytorch/damage.test.ts", "--testTimeout=1200000"],
  env: { GATEWISE_CASES: "20000", GATEWISE_SEED: seed },
});

/** Random models from PyTorch, to PyTorch and to ONNX Runtime, and training that goes on there and here. */
const interop = (/** @type {string} */ seed) => ({
  name: `models to and from PyTorch, --seed ${seed}`,
  command: process.execPath,
  args: ["--import", "tsx", "scripts/interop/run.ts", "--cases", "2000", "--seed", seed],
});

/** @type {readonly { name: string, command: string, args: readonly string[], env?: NodeJS.ProcessEnv }[]} */
const COMMANDS = [
  { name: "activations, every f32", command: "cargo", args: [...EXAMPLE, "exhaustive_activations"] },
  ...["adding", "copy", "vowels", "shakespeare"].map(learning),
  onnx(String(randomInt(2 ** 31))),
  damage(String(randomInt(2 ** 31))),
  { name: "PyTorch loads what is written", command: process.execPath, args: ["--import", "tsx", "scripts/interop/pytorch.ts"] },
  { name: "the example's model goes back to PyTorch", command: process.execPath, args: ["--import", "tsx", "scripts/interop/pretrained.ts"] },
  interop(String(randomInt(2 ** 31))),
];

const results = await runSuites();
for (const { name, command, args, env = {} } of COMMANDS) {
  console.log(`\n${name}: ${command} ${args.join(" ")}`);
  const code = await runLive(command, args, { env });
  results.push(code === 0 ? { name, passed: 1, failed: 0 } : { name, passed: 0, failed: 1, note: `ended with exit code ${code}` });
}
console.log("\nRandom definitions against the oracle:");
results.push(await definitionsSuite());
console.log("\nFuzzing of the core's parsers:");
results.push(...(await fuzzSuites()));
console.log("\nThe core's tests under AddressSanitizer:");
results.push(await sanitizerSuite());
console.log("\nThe core's tests on NEON:");
results.push(...(await neonSuite()));
summarize(results);
