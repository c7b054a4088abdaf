// Running other programs: quietly into a log, or for their answer. Nothing here reads from the terminal.

import { spawn, spawnSync } from "node:child_process";
import { accessSync, closeSync, constants, mkdirSync, openSync, readFileSync, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

import { root } from "./places.mjs";

/** Lines of a log that are shown when its command failed: the reason is near the beginning (npm) or at the end (cargo). */
const [HEAD_LINES, TAIL_LINES] = [20, 25];

/** A command that ended badly. */
export class CommandFailed extends Error {
  /**
   * @param {string} command
   * @param {string} how
   * @param {string} log The log's path.
   */
  constructor(command, how, log) {
    super(`${command}\n${how}; from ${log}:\n\n${excerpt(readFileSync(log, "utf8")).replace(/^/gm, "  | ")}`);
    this.name = "CommandFailed";
  }
}

/**
 * @param {string} text
 * @returns {string} Its first and last lines.
 */
function excerpt(text) {
  const lines = text.trimEnd().split("\n");
  if (lines.length <= HEAD_LINES + TAIL_LINES) return lines.join("\n");
  return [...lines.slice(0, HEAD_LINES), "…", ...lines.slice(-TAIL_LINES)].join("\n");
}

/**
 * Runs a command with its output in a log.
 * @param {string} log Path of the log; what the command says is added at its end.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeout?: number }} [options] `timeout` in milliseconds.
 * @returns {Promise<void>} Rejects with {@link CommandFailed}.
 */
export function run(log, command, args, { cwd = root, env = process.env, timeout } = {}) {
  mkdirSync(dirname(log), { recursive: true });
  const output = openSync(log, "a");
  const line = [command, ...args].join(" ");
  /** @type {Promise<void>} */
  const ended = new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, timeout, stdio: ["ignore", output, output], shell: isBatchFile(command) });
    const fail = (/** @type {string} */ how) => reject(new CommandFailed(line, how, log));
    child.on("error", (error) => fail(error.message));
    child.on("exit", (code, signal) => (code === 0 ? resolve() : fail(`ended with ${signal ?? `exit code ${code}`}`)));
  });
  return ended.finally(() => closeSync(output));
}

/**
 * Runs an npm script or command. Through npm's own file where npm started us: on Windows `npm` is not a program.
 * @param {string} log
 * @param {readonly string[]} args
 */
export function runNpm(log, args) {
  const npm = process.env["npm_execpath"];
  if (npm?.endsWith(".js")) return run(log, process.execPath, [npm, ...args]);
  return run(log, process.platform === "win32" ? "npm.cmd" : "npm", args);
}

/**
 * Whether only a shell can start it: Node starts no batch files by itself.
 * @param {string} command
 */
function isBatchFile(command) {
  return command.endsWith(".cmd");
}

/**
 * What a command answers on its standard output.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {string | undefined} Undefined if it is missing or failed.
 */
export function answer(command, args, env = process.env) {
  const { status, stdout } = spawnSync(command, args, { cwd: root, env, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  return status === 0 ? stdout.trim() : undefined;
}

/**
 * Looks a program up.
 * @param {string} name
 * @param {string} [path] Folders as in `PATH`.
 * @returns {string | undefined} Its path.
 */
export function which(name, path = process.env["PATH"] ?? "") {
  const endings = process.platform === "win32" ? [".exe", ".cmd", ""] : [""];
  for (const folder of path.split(delimiter).filter(Boolean)) {
    const found = endings.map((ending) => join(folder, name + ending)).find(isProgram);
    if (found) return found;
  }
  return undefined;
}

/**
 * @param {string} path
 * @returns {boolean}
 */
export function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
