// Runs the scripts of `python/` with an interpreter that has PyTorch: `GATEWISE_PYTHON`, else the one on the PATH.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { answer, which } from "../setup/commands.mjs";
import { Problem } from "../setup/problem.mjs";

/** What the scripts import; bench/peers/requirements.txt names the versions. */
const PACKAGES = ["torch", "safetensors"];

const REMEDY = `python3 -m venv .venv && .venv/bin/pip install -r bench/peers/requirements.txt
GATEWISE_PYTHON=.venv/bin/python npm run interop`;

/**
 * An interpreter that has all that is needed.
 *
 * @throws {Problem} with the commands that bring one
 */
export function findPython(): string {
  const named = process.env["GATEWISE_PYTHON"];
  const interpreter = named || ["python3", "python"].map((name) => which(name)).find(Boolean);
  if (!interpreter) throw new Problem("There is no python3 on the PATH. With one, about 6 GB are installed by:", REMEDY);
  const program = `import importlib.util as u; print(" ".join(name for name in ${JSON.stringify(PACKAGES)} if u.find_spec(name) is None))`;
  const missing = answer(interpreter, ["-c", program]);
  if (missing === undefined) throw new Problem(`${interpreter} does not run. GATEWISE_PYTHON names the interpreter to use.`);
  if (missing !== "") throw new Problem(`${interpreter} has no ${missing.replace(" ", ", no ")}. These bring it, about 6 GB:`, REMEDY);
  return interpreter;
}

/**
 * Runs a script, whose complaints go to the terminal.
 *
 * @returns what it printed
 */
export function runPython(interpreter: string, script: string, args: readonly string[]): string {
  const path = fileURLToPath(new URL(`python/${script}`, import.meta.url));
  const { status, stdout, error } = spawnSync(interpreter, [path, ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], maxBuffer: 2 ** 28 });
  if (error || status !== 0) throw new Error(`${script} failed${error ? `: ${error.message}` : ` with exit code ${status}`}`);
  return stdout;
}
