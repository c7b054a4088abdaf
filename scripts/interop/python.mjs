// Runs Python's scripts with an interpreter that has PyTorch: `GATEWISE_PYTHON`, else the one on the PATH.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { answer, which } from "../setup/commands.mjs";
import { Problem } from "../setup/problem.mjs";

/** What the scripts import; bench/peers/requirements.txt names the versions. */
const PACKAGES = ["torch", "safetensors"];

const REMEDY = `python3 -m venv .venv && .venv/bin/pip install -r bench/peers/requirements.txt
export GATEWISE_PYTHON=.venv/bin/python`;

/**
 * An interpreter that has all that is needed. Throws a `Problem` with the commands that bring one.
 * @returns {string}
 */
export function requirePyTorch() {
  const interpreter = process.env["GATEWISE_PYTHON"] || which("python3") || which("python");
  if (!interpreter) throw new Problem("There is no python3 on the PATH, which the proofs against PyTorch need. With one, these bring PyTorch, about 6 GB:", REMEDY);
  const program = `import importlib.util as u; print(*[name for name in ${JSON.stringify(PACKAGES)} if u.find_spec(name) is None], sep=" and ")`;
  const missing = answer(interpreter, ["-c", program]);
  if (missing === undefined) throw new Problem(`${interpreter} does not run. GATEWISE_PYTHON names the interpreter to use.`);
  if (missing !== "") throw new Problem(`${interpreter} lacks ${missing}, which the proofs against PyTorch need. These bring it, about 6 GB:`, REMEDY);
  return interpreter;
}

/**
 * Runs a script of `python/`, its complaints on the terminal.
 * @param {string} interpreter
 * @param {string} script
 * @param {readonly string[]} args
 * @returns {string} What it printed.
 */
export function runPython(interpreter, script, args) {
  const path = fileURLToPath(new URL(`python/${script}`, import.meta.url));
  const { status, stdout, error } = spawnSync(interpreter, [path, ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], maxBuffer: 2 ** 28 });
  if (error || status !== 0) throw new Error(`${script} failed${error ? `: ${error.message}` : ` with exit code ${status}`}`);
  return stdout;
}
