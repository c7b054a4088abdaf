// Brings the peers when they are first needed: npm's and Python's, each into a folder of the cache outside the checkout,
// exactly as the lock file and requirements.txt name them. What cannot be brought is missing, with the reason.

import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { CommandFailed, answer, run, runNpm, which } from "../../scripts/setup/commands.mjs";
import { cache } from "../../scripts/setup/places.mjs";
import { step } from "../../scripts/setup/step.mjs";
import type { Options } from "../options.js";
import type { Peer, PeerName, Peers } from "./peers.js";

const NPM_PEERS = {
  "onnxruntime-node": "onnxruntime-node",
  "onnxruntime-web": "onnxruntime-web",
  tfjs: "@tensorflow/tfjs",
  "brain.js": "brain.js",
} as const satisfies Partial<Record<PeerName, string>>;

const PYTHON_PEERS = { pytorch: "torch", opacus: "opacus" } as const satisfies Partial<Record<PeerName, string>>;

/** What each installation takes on the disk, in gigabytes, rounded up: 0.75 and 5.6 on Linux. */
const GIGABYTES = { npm: 1, python: 6 };

/** All peers that the options ask for. */
export async function findPeers({ peers }: Pick<Options, "peers">): Promise<Peers> {
  const notAsked: Peer = { available: false, reason: `left out by --peers ${peers}` };
  const npm = peers === "none" ? () => notAsked : await attempt(npmPeers);
  const python = peers === "all" ? await attempt(pythonPeers) : () => notAsked;
  const find = <Name extends PeerName>(names: Record<Name, string>, found: (packageName: string) => Peer) =>
    Object.fromEntries(Object.entries<string>(names).map(([name, packageName]) => [name, found(packageName)])) as Record<Name, Peer>;
  return { ...find(NPM_PEERS, npm), ...find(PYTHON_PEERS, python) };
}

type Find = (packageName: string) => Peer;

/** What `bring` finds; if it fails, everything is missing for that reason. */
async function attempt(bring: () => Promise<Find>): Promise<Find> {
  try {
    return await bring();
  } catch (error) {
    const [first = "", ...rest] = error instanceof Error ? error.message.split("\n") : [String(error)];
    // The whole of it once, for who wants to mend it; one line in every row.
    console.log([first, ...rest].map((line) => `  ${line}`).join("\n"));
    const reason = error instanceof CommandFailed ? `${first}: ${rest[0] ?? ""}`.replace(/:\s*$/, "") : first;
    return () => ({ available: false, reason });
  }
}

async function npmPeers(): Promise<Find> {
  const location = await bring("npm", ["package.json", "package-lock.json"], async (folder, log) => {
    for (const file of ["package.json", "package-lock.json"]) copyFileSync(manifest(file), join(folder, file));
    // No install scripts: brain.js's would compile OpenGL, onnxruntime-node's would download CUDA. What is used here is
    // in the packages themselves.
    await runNpm(log, ["ci", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund"]);
  });
  return (packageName) => {
    const file = join(location, "node_modules", packageName, "package.json");
    const { version } = JSON.parse(readFileSync(file, "utf8")) as { version: string };
    return { available: true, version, location };
  };
}

async function pythonPeers(): Promise<Find> {
  const interpreter = process.env["GATEWISE_PYTHON"] || (await bringPython());
  const program = "import importlib.metadata as m, json, platform; print(json.dumps({'python': platform.python_version(), **{d.metadata['Name']: d.version for d in m.distributions()}}))";
  const versions = answer(interpreter, ["-c", program]);
  if (versions === undefined) throw new Error(`${interpreter} does not run; GATEWISE_PYTHON names the interpreter to use`);
  const installed = JSON.parse(versions) as Record<string, string>;
  const helpers = ["numpy", "safetensors"].filter((name) => !installed[name]);
  return (packageName) => {
    const missing = installed[packageName] ? helpers : [packageName, ...helpers];
    if (missing.length > 0) return { available: false, reason: `${interpreter} has no ${missing.join(", ")}: pip install -r bench/peers/requirements.txt` };
    return { available: true, version: `${installed[packageName]} (Python ${installed["python"]})`, location: interpreter };
  };
}

async function bringPython(): Promise<string> {
  const python = ["python3", "python"].map((name) => which(name)).find(Boolean);
  if (!python) throw new Error("there is no python3 on the PATH; install it, or name one with GATEWISE_PYTHON");
  const folder = await bring("python", ["requirements.txt"], async (folder, log) => {
    await run(log, python, ["-m", "venv", folder]);
    await run(log, interpreterIn(folder), ["-m", "pip", "install", "--no-cache-dir", "-r", manifest("requirements.txt")]);
  });
  return interpreterIn(folder);
}

function interpreterIn(folder: string): string {
  return process.platform === "win32" ? join(folder, "Scripts", "python.exe") : join(folder, "bin", "python");
}

/**
 * A folder of the cache that holds an installation of these manifests, made now if it is not there.
 *
 * @returns the folder; another state of the manifests has another
 */
async function bring(kind: keyof typeof GIGABYTES, manifests: readonly string[], install: (folder: string, log: string) => Promise<void>) {
  const hash = createHash("sha256");
  for (const file of manifests) hash.update(readFileSync(manifest(file)));
  const folder = join(cache, "bench", `${kind}-${hash.digest("hex").slice(0, 12)}`);
  const done = join(folder, "complete");
  if (existsSync(done)) return folder;

  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  requireSpace(folder, GIGABYTES[kind]);
  const what = kind === "npm" ? "Installing the peers of npm: onnxruntime-node, onnxruntime-web, tfjs, brain.js" : "Installing the peers of Python: PyTorch, Opacus, NumPy";
  console.log(`${what}: about ${GIGABYTES[kind]} GB, into ${folder}`);
  await step(`bench-${kind}`, "  from the registry", kind === "npm" ? "2 minutes" : "15 minutes", (log) => install(folder, log));
  writeFileSync(done, "");
  return folder;
}

function requireSpace(folder: string, gigabytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  const free = (bavail * bsize) / 1e9;
  if (free < gigabytes) throw new Error(`the disk of ${folder} has ${free.toFixed(1)} GB free, the installation takes ${gigabytes} GB`);
}

function manifest(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}
