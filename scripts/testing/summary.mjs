// The end of every run: a table of suites, and one last line that adds them up.

/** @typedef {import("./suite.mjs").Result} Result */

/**
 * Prints the results; a failure makes the process fail.
 * @param {readonly Result[]} results
 */
export function summarize(results) {
  const width = Math.max(...results.map(({ name }) => name.length));
  console.log();
  for (const { name, passed, failed, note } of results) {
    console.log(`${name.padEnd(width)}  ${String(passed).padStart(5)} passed  ${String(failed).padStart(5)} failed${note ? `  ${note}` : ""}`);
  }
  const [passed, failed] = [sum(results, "passed"), sum(results, "failed")];
  console.log(`\n${passed} passed, ${failed} failed`);
  if (failed > 0) process.exitCode = 1;
}

/**
 * @param {readonly Result[]} results
 * @param {"passed" | "failed"} count
 */
function sum(results, count) {
  return results.reduce((total, result) => total + result[count], 0);
}
