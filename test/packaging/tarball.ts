// The package as npm publishes it: packed once a test file, installed into projects that know nothing of this checkout.
// Knows nothing of what is tested about it.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const CHECKOUT = fileURLToPath(new URL("../..", import.meta.url));

/** A packed package and a folder for projects; all of it goes with `dispose`. */
export class Packed {
  readonly #folder = mkdtempSync(join(tmpdir(), "gatewise-packed-"));
  /** The tarball's path. */
  readonly tarball: string;

  constructor() {
    npm(["pack", "--ignore-scripts", "--pack-destination", this.#folder], CHECKOUT);
    const [name] = readdirSync(this.#folder);
    if (name === undefined) throw new Error("npm pack wrote nothing");
    this.tarball = join(this.#folder, name);
  }

  /** An empty project with nothing but this package installed. Needs no network: the package has no dependencies. */
  install(name: string): string {
    const project = join(this.#folder, name);
    mkdirSync(project);
    writeFileSync(join(project, "package.json"), JSON.stringify({ name, private: true, type: "module" }));
    npm(["install", this.tarball, "--ignore-scripts", "--offline", "--no-audit", "--no-fund"], project);
    return project;
  }

  dispose(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A program's end. */
export interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs Node in `project`, where it finds no other program: the PATH leads to an empty folder. */
export function runNode(args: readonly string[], project: string): Run {
  const nowhere = join(project, "no-programs-here");
  mkdirSync(nowhere, { recursive: true });
  return spawnSync(process.execPath, args, { cwd: project, env: { PATH: nowhere }, encoding: "utf8" });
}

/** Runs one of the checkout's tools in `project`: its path below `node_modules`. */
export function runTool(tool: string, args: readonly string[], project: string): Run {
  // Vitest's own mode is no part of what users have.
  const { NODE_ENV: _vitest, ...env } = process.env;
  const path = join(CHECKOUT, "node_modules", tool);
  return spawnSync(process.execPath, [path, ...args], { cwd: project, env, encoding: "utf8" });
}

function npm(args: readonly string[], cwd: string): void {
  // On Windows npm is a script of its shell.
  const { status, stderr, error } = spawnSync("npm", args, { cwd, encoding: "utf8", shell: process.platform === "win32" });
  if (status !== 0) throw new Error(`npm ${args.join(" ")} failed: ${stderr}`, { cause: error });
}
