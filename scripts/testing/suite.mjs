// What a suite is to the runner, and the two programs that run suites: cargo and vitest. Each says how many tests passed and
// how many did not; a test that was skipped did not.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, sep } from "node:path";
import { createInterface } from "node:readline";

import { root } from "../setup/places.mjs";

/** @typedef {{ name: string, passed: number, failed: number, note?: string }} Result */

/**
 * Runs cargo's tests, their output as it comes.
 * @param {string} name
 * @param {readonly string[]} args Of `cargo test`.
 * @param {NodeJS.ProcessEnv} [env] On top of this process's own.
 * @returns {Promise<Result>}
 */
export async function cargoSuite(name, args, env = {}) {
  const result = { name, passed: 0, failed: 0 };
  // The harness's own -q: a line for each test binary, not for each test; all of it for a test that fails.
  const read = (/** @type {string} */ line) => {
    const counts = /^test result: .* (\d+) passed; (\d+) failed; (\d+) ignored;/.exec(line);
    result.passed += Number(counts?.[1] ?? 0);
    result.failed += Number(counts?.[2] ?? 0) + Number(counts?.[3] ?? 0);
  };
  const code = await runLive("cargo", ["test", "--no-fail-fast", ...args, "--", "-q"], { read, env });
  return judged(result, code);
}

/**
 * Runs vitest once over every folder of `test`; each folder is a suite.
 * @param {readonly string[]} folders Those that must be there.
 * @returns {Promise<Result[]>}
 */
export async function vitestSuites(folders) {
  const scratch = mkdtempSync(join(tmpdir(), "gatewise-tests-"));
  const report = join(scratch, "report.json");
  try {
    const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
    const code = await runLive(process.execPath, [vitest, "run", ...reporters]);
    return byFolder(readFiles(report), folders, code);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** @typedef {{ name: string, status: string, assertionResults: { status: string }[] }} TestFile */

/**
 * @param {string} report
 * @returns {TestFile[]} None if vitest did not get as far as a report.
 */
function readFiles(report) {
  try {
    return JSON.parse(readFileSync(report, "utf8")).testResults;
  } catch {
    return [];
  }
}

/**
 * @param {readonly TestFile[]} files
 * @param {readonly string[]} folders
 * @param {number} code Of vitest.
 * @returns {Result[]}
 */
function byFolder(files, folders, code) {
  /** @type {Map<string, Result>} */
  const results = new Map(folders.map((name) => [name, { name, passed: 0, failed: 0 }]));
  for (const file of files) {
    const name = relative(join(root, "test"), file.name).split(sep)[0] ?? "";
    const result = results.get(name) ?? { name, passed: 0, failed: 0 };
    results.set(name, result);
    const passed = file.assertionResults.filter(({ status }) => status === "passed").length;
    const failed = file.assertionResults.length - passed;
    result.passed += passed;
    // A file that could not be loaded has no tests to count.
    result.failed += file.status === "failed" ? Math.max(failed, 1) : failed;
  }
  const judgedResults = [...results.values()].map((result) => judged(result, 0));
  const explained = code === 0 || judgedResults.some(({ failed }) => failed > 0);
  return explained ? judgedResults : [...judgedResults, judged({ name: "vitest", passed: 0, failed: 0 }, code)];
}

/**
 * A suite that ran no test, or whose program failed without a failed test, has failed.
 * @param {Result} result
 * @param {number} code Of the program.
 * @returns {Result}
 */
function judged(result, code) {
  if (result.passed + result.failed === 0) return { ...result, failed: 1, note: "no test ran" };
  if (code !== 0 && result.failed === 0) return { ...result, failed: 1, note: `ended with exit code ${code}` };
  return result;
}

/**
 * Runs a program from the project's folder with its output on the terminal.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ read?: (line: string) => void, env?: NodeJS.ProcessEnv }} [options] `read` gets each line of its standard output
 *   as well; `env` is added to this process's own.
 * @returns {Promise<number>} Its exit code.
 */
export function runLive(command, args, { read, env } = {}) {
  const colour = process.stdout.isTTY && read ? { CARGO_TERM_COLOR: "always" } : {};
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...colour, ...env },
      stdio: ["ignore", read ? "pipe" : "inherit", "inherit"],
    });
    child.on("error", (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(127);
    });
    child.on("close", (code) => resolve(code ?? 1));
    if (!read || !child.stdout) return;
    createInterface({ input: child.stdout }).on("line", (line) => {
      console.log(line);
      read(line);
    });
  });
}
