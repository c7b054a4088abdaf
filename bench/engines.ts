// Which processes there are to compute, and how each is started.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { coreWorkerPath } from "../scripts/setup/builds.mjs";
import type { PeerName, Peers } from "./peers/peers.js";
import { type Command, Worker } from "./workers/worker.js";

export type EngineName = "gatewise" | "core" | PeerName;

/** Workers, each started when it is first needed. */
export class Engines {
  readonly #peers: Peers;
  readonly #workers = new Map<EngineName, Worker>();

  constructor(peers: Peers) {
    this.#peers = peers;
  }

  /** The engine's worker; a peer that is not there throws with the reason. */
  worker(name: EngineName): Worker {
    const known = this.#workers.get(name);
    if (known) return known;
    const worker = new Worker(name, ...this.#command(name));
    this.#workers.set(name, worker);
    return worker;
  }

  /** After a failure: the next job gets a new process. */
  restart(name: EngineName): void {
    this.#workers.get(name)?.stop();
    this.#workers.delete(name);
  }

  stop(): void {
    for (const name of this.#workers.keys()) this.restart(name);
  }

  #command(name: EngineName): [Command, NodeJS.ProcessEnv?] {
    if (name === "gatewise") return [typescript("ours")];
    if (name === "core") return [[coreWorker()]];
    const peer = this.#peers[name];
    if (!peer.available) throw new Error(`${name} is missing: ${peer.reason}`);
    if (name === "pytorch" || name === "opacus") return [[peer.location, workerFile("pytorch.py")]];
    return [typescript(name.replace(".", "")), { GATEWISE_BENCH_PEERS: peer.location }];
  }
}

function typescript(name: string): Command {
  return [process.execPath, "--import", "tsx", workerFile(`${name}.ts`)];
}

function workerFile(name: string): string {
  return fileURLToPath(new URL(`workers/${name}`, import.meta.url));
}

/** The Rust worker, which set-up builds before `npm run bench`. */
export function coreWorker(): string {
  if (!existsSync(coreWorkerPath)) throw new Error("the core's worker is not built: node scripts/setup.mjs bench");
  return coreWorkerPath;
}
