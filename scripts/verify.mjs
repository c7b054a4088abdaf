// `npm run verify`: the long proofs after the tests. A proof is a suite of tests, or a command that fails when what it proves
// does not hold.

import { sanitizerSuite } from "./proofs/address-sanitizer.mjs";
import { definitionsSuite } from "./proofs/definitions.mjs";
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

/** @type {readonly { name: string, command: string, args: readonly string[] }[]} */
const COMMANDS = [
  { name: "activations, every f32", command: "cargo", args: [...EXAMPLE, "exhaustive_activations"] },
  ...["adding", "copy", "vowels", "shakespeare"].map(learning),
];

const results = await runSuites();
for (const { name, command, args } of COMMANDS) {
  console.log(`\n${name}: ${command} ${args.join(" ")}`);
  const code = await runLive(command, args);
  results.push(code === 0 ? { name, passed: 1, failed: 0 } : { name, passed: 0, failed: 1, note: `ended with exit code ${code}` });
}
console.log("\nRandom definitions against the oracle:");
results.push(await definitionsSuite());
console.log("\nThe core's tests under AddressSanitizer:");
results.push(await sanitizerSuite());
console.log("\nThe core's tests on NEON:");
results.push(...(await neonSuite()));
summarize(results);
