// The package as npm publishes it: packed once a test file, installed into projects that know nothing of this checkout, with
// the few packages that it brings. Knows nothing of what is tested about it.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const CHECKOUT = fileURLToPath(new URL("../..", import.meta.url));

/**
 * The packages that come with this one, and with those, as paths below `node_modules`: what the lock file has for neither
 * development nor peers alone.
 */
export const BROUGHT: readonly string[] = Object.entries(readLock())
  .filter(([path, { dev, peer, optional, devOptional }]) => path !== "" && !dev && !peer && !optional && !devOptional)
  .map(([path]) => path.replace("node_modules/", ""));

type Locked = Readonly<Record<string, { dev?: boolean; peer?: boolean; optional?: boolean; devOptional?: boolean }>>;

function readLock(): Locked {
  return (JSON.parse(readFileSync(join(CHECKOUT, "package-lock.json"), "utf8")) as { packages: Locked }).packages;
}

/** A packed package and a folder for projects; all of it goes with `dispose`. */
export class Packed {
  readonly #folder = mkdtempSync(join(tmpdir(), "gatewise-packed-"));
  /** The tarball's path. */
  readonly tarball: string;
  /** Those of the packages that it brings. */
  readonly #brought: readonly string[];

  constructor() {
    const pack = (...packages: readonly string[]) => {
      npm(["pack", ...packages, "--ignore-scripts", "--pack-destination", this.#folder], CHECKOUT);
      return readdirSync(this.#folder).map((name) => join(this.#folder, name));
    };
    this.#brought = pack(...BROUGHT.map((name) => `./node_modules/${name}`));
    const own = pack().find((tarball) => !this.#brought.includes(tarball));
    if (own === undefined) throw new Error("npm pack wrote nothing");
    this.tarball = own;
  }

  /** An empty project with nothing but this package and what it brings. Needs no network: those are packed from this checkout. */
  install(name: string): string {
    const project = join(this.#folder, name);
    mkdirSync(project);
    writeFileSync(join(project, "package.json"), JSON.stringify({ name, private: true, type: "module" }));
    npm(["install", this.tarball, ...this.#brought, "--ignore-scripts", "--offline", "--no-audit", "--no-fund"], project);
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
