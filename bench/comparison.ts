// One comparison: the same job for our engine and for its peers, checked against the reference, then timed in turn.

import { GatewiseError } from "gatewise";

import { BOUNDS, type Numbers, differenceOf, readResults } from "./compare.js";
import { type EngineName, Engines } from "./engines.js";
import { Inputs } from "./inputs.js";
import { FULL, QUICK, interleave } from "./interleave.js";
import type { PeerName } from "./peers/peers.js";
import type { Row } from "./rows.js";
import { type Own, missingRow, ownRow, peakRow, peerRow } from "./comparison-rows.js";
import { type Shape, classesOf, nameOf } from "./shapes.js";
import type { Context, Suite } from "./suite.js";
import type { Job, Operation } from "./workers/protocol.js";
import { sideOf } from "./workers/side.js";

export interface Contest {
  readonly suite: string;
  readonly operation: Operation;
  readonly shape: Shape;
  readonly threads: number;
  /** Ours: "core" is the Rust worker, without Node. */
  readonly backend: "native" | "wasm" | "core";
  /** Those that can compute it; without any, there is no reference either. */
  readonly peers: readonly PeerName[];
}

/** A suite that is a list of contests. */
export function contestSuite(name: string, contests: (quick: boolean) => readonly Contest[]): Suite {
  return {
    name,
    async *run(context) {
      const comparison = new Comparison(context);
      try {
        for (const contest of contests(context.options.quick)) yield* comparison.run(contest);
      } finally {
        comparison.stop();
      }
    },
  };
}

/** Contests with workers and inputs of their own. */
export class Comparison {
  readonly #context: Context;
  readonly #engines: Engines;
  readonly #inputs = new Inputs();
  readonly #references = new Map<string, Numbers>();

  constructor(context: Context) {
    this.#context = context;
    this.#engines = new Engines(context.peers);
  }

  /** A row for each peer that is wanted, and one for the peak where there is a target. */
  async *run(contest: Contest): AsyncGenerator<Row> {
    const shape = nameOf(contest.shape);
    const { wanted, options } = this.#context;
    if (options.threads !== undefined && options.threads !== contest.threads) return;
    const peers = contest.peers.filter((peer) => wanted(contest.suite, shape, peer));
    if (peers.length === 0 && !wanted(contest.suite, shape, null)) return;
    this.#context.log(`${contest.suite}: ${contest.operation} ${shape}, ${contest.threads} thread${contest.threads > 1 ? "s" : ""}`);
    try {
      yield* this.#rows(contest, peers);
    } catch (error) {
      // Ours cannot do it: there is nothing to compare.
      const failure = error instanceof Error ? error.message : String(error);
      yield { ...ownRow(contest), failure };
      this.#engines.stop();
    }
  }

  stop(): void {
    this.#engines.stop();
  }

  async *#rows(contest: Contest, peers: readonly PeerName[]): AsyncGenerator<Row> {
    const input = await this.#inputs.of(contest.shape).catch(refusal);
    if (typeof input === "string") {
      yield { ...ownRow(contest), note: `not available yet: ${input}` };
      return;
    }
    const { operation, threads, backend } = contest;
    const where = backend === "core" ? {} : { backend };
    const job: Job = { operation, threads, ...where, model: input.model, shape: contest.shape, classes: classesOf(contest.shape), data: input.data };
    const engine = backend === "core" ? "core" : "gatewise";
    const results = await this.#results(engine, job);
    const reference = contest.peers.length > 0 ? await this.#reference(job) : undefined;
    const failure = differenceOf(results, reference ?? results, BOUNDS[operation]);
    if (failure) throw new Error(failure);

    const { ready, rows } = await this.#admit(contest, job, peers, results);
    yield* rows;
    const { isa, shortest } = await this.#load(engine, job);
    const sides = [sideOf(this.#engines.worker(engine), shortest), ...[...ready.keys()].map((name) => sideOf(this.#engines.worker(name)))];
    const [ours = [], ...theirs] = await interleave(sides, this.#context.options.quick ? QUICK : FULL);
    const own: Own = { contest, ours, isa: isa ?? null, input, machine: this.#context.machine };
    const note = contest.peers.length > 0 ? this.#withoutReference() : "no peer has it; held to the oracle by the core's tests";
    if (ready.size === 0) yield { ...ownRow(contest, own), ...(note !== undefined && { note }) };
    for (const [index, [peer, note]] of [...ready].entries()) yield peerRow(own, peer, theirs[index] ?? [], note);
    const peak = peakRow(own);
    if (peak) yield peak;
  }

  /** The peers that are there and compute the same, loaded and with their notes; a row for each of the others. */
  async #admit(contest: Contest, job: Job, peers: readonly PeerName[], ours: Numbers) {
    const ready = new Map<PeerName, string | undefined>();
    const rows: Row[] = [];
    for (const peer of peers) {
      const found = this.#context.peers[peer];
      if (!found.available) {
        rows.push(missingRow(contest, peer, found.reason));
        continue;
      }
      try {
        await this.#check(peer, job, ours);
        const notes = [(await this.#load(peer, job)).note, UNCHECKED[peer] ?? this.#withoutReference()];
        ready.set(peer, notes.filter((note) => note !== undefined).join("; ") || undefined);
      } catch (error) {
        rows.push({ ...missingRow(contest, peer), failure: `${peer}: ${error instanceof Error ? error.message : String(error)}` });
        this.#engines.restart(peer);
      }
    }
    return { ready, rows };
  }

  /** Throws if the peer computes something else than the reference. */
  async #check(peer: PeerName, job: Job, ours: Numbers): Promise<void> {
    if (UNCHECKED[peer] !== undefined) return;
    const checked = { ...job, operation: checkedOperation(peer, job.operation) };
    const reference = (await this.#reference(checked)) ?? (checked.operation === job.operation ? ours : undefined);
    const failure = reference && differenceOf(await this.#results(peer, checked), reference, BOUNDS[checked.operation]);
    if (failure) throw new Error(failure);
  }

  /** What has to be said where there is nothing of PyTorch's to compare with. */
  #withoutReference(): string | undefined {
    return this.#context.peers.pytorch.available ? undefined : "not checked against PyTorch, which is missing";
  }

  /** PyTorch's numbers, once for each operation and shape; undefined where PyTorch is missing. */
  async #reference(job: Job): Promise<Numbers | undefined> {
    if (!this.#context.peers.pytorch.available) return undefined;
    const key = `${job.operation} ${nameOf(job.shape)}`;
    const known = this.#references.get(key) ?? (await this.#results("pytorch", { ...job, threads: 1 }).catch(noReference));
    this.#references.set(key, known);
    return known;
  }

  async #results(name: EngineName, job: Job): Promise<Numbers> {
    await this.#load(name, job);
    const into = this.#inputs.results(name);
    return readResults(into, await this.#engines.worker(name).ask<"check">({ ask: "check", into }));
  }

  async #load(name: EngineName, job: Job) {
    return this.#engines.worker(name).ask<"load">({ ask: "load", job });
  }
}

/** The sentence with which the core refuses a layer that it does not know yet; anything else is a failure. */
function refusal(error: unknown): string {
  if (error instanceof GatewiseError && error.code === "invalid_definition") return error.message;
  throw error;
}

/** Without its numbers nobody's can be checked. */
function noReference(error: unknown): never {
  throw new Error(`there is no reference: ${error instanceof Error ? error.message : String(error)}`);
}

/** Peers that compute something else, and what that is. */
const UNCHECKED: Partial<Record<PeerName, string>> = {
  "brain.js": "not the same computation: its LSTM keeps no cell state and predicts every next step; nothing is compared",
};

/** What a peer's results are checked by: TensorFlow.js has one bias where PyTorch has two, so only its gradients are the same. */
function checkedOperation(peer: PeerName, operation: Job["operation"]): Job["operation"] {
  return peer === "tfjs" && operation === "training step" ? "forward and backward" : operation;
}
