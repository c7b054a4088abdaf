// `npm run verify`: the long proofs after the tests. A proof is a command that fails when what it proves does not hold.

import { runLive } from "./testing/suite.mjs";
import { runSuites } from "./testing/suites.mjs";
import { summarize } from "./testing/summary.mjs";

const EXAMPLE = ["run", "--release", "-p", "lstm-core", "--example"];

/** @type {readonly { name: string, command: string, args: readonly string[] }[]} */
const PROOFS = [
  { name: "activations, every f32", command: "cargo", args: [...EXAMPLE, "exhaustive_activations"] },
];

const results = await runSuites();
for (const { name, command, args } of PROOFS) {
  console.log(`\n${name}: ${command} ${args.join(" ")}`);
  const code = await runLive(command, args);
  results.push(code === 0 ? { name, passed: 1, failed: 0 } : { name, passed: 0, failed: 1, note: `ended with exit code ${code}` });
}
summarize(results);
