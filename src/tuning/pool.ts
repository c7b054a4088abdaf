// The workers that trials train in. A worker that dies takes one job with it, and the next job gets a fresh worker. Knows
// nothing of trials, rungs or figures.

import { Worker } from "node:worker_threads";

import { type ErrorData, GatewiseError } from "../errors.js";
import type { FromWorker, Job, Outcome, ToWorker, WorkerSetup } from "./protocol.js";

/** What becomes of a job. */
export type JobEnd =
  | { readonly kind: "done"; readonly outcome: Outcome }
  | { readonly kind: "failed"; readonly error: ErrorData }
  | { readonly kind: "stopped" };

type EpochEnd = Extract<FromWorker, { kind: "epoch" }>["epoch"];

/** What is told of a job under way. */
export interface JobWatch {
  /** Called with the job's place among the jobs. An error ends all. */
  readonly onEpoch: (job: number, epoch: EpochEnd) => void | Promise<void>;
  readonly onEnd: (job: number, end: JobEnd) => void | Promise<void>;
}

/** Up to `size` workers, each started when it is first needed. */
export class Pool {
  readonly #size: number;
  readonly #setup: WorkerSetup;
  readonly #idle: Hand[] = [];
  readonly #busy = new Set<Hand>();
  #stopped = false;

  constructor(size: number, setup: WorkerSetup) {
    this.#size = size;
    this.#setup = setup;
  }

  /** Has every job done, in order, as workers become free. What a callback throws stops the rest and is thrown. */
  async runAll(jobs: readonly Job[], watch: JobWatch): Promise<void> {
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < jobs.length && !this.#stopped) {
        const index = next++;
        await watch.onEnd(index, await this.#run(jobs[index] as Job, (epoch) => watch.onEpoch(index, epoch)));
      }
    };
    const lanes = Array.from({ length: Math.min(this.#size, jobs.length) }, lane);
    try {
      await Promise.all(lanes);
    } catch (error) {
      this.stop();
      await Promise.allSettled(lanes);
      throw error;
    }
  }

  /** Ends what is under way before its next crossing into the core; nothing further begins. */
  stop(): void {
    this.#stopped = true;
    for (const hand of this.#busy) hand.stop();
  }

  /** Frees the workers. To be called when no job is under way. */
  async close(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map((hand) => hand.terminate()));
  }

  async #run(job: Job, onEpoch: (epoch: EpochEnd) => void | Promise<void>): Promise<JobEnd> {
    const hand = this.#idle.pop() ?? new Hand(this.#setup);
    this.#busy.add(hand);
    try {
      return await hand.run(job, onEpoch);
    } catch (thrown) {
      if (!(thrown instanceof Death)) throw thrown;
      this.#busy.delete(hand);
      return { kind: "failed", error: thrown.data };
    } finally {
      if (this.#busy.delete(hand)) this.#idle.push(hand);
    }
  }
}

/** The end of a worker that was not asked for. */
class Death extends Error {
  readonly data: ErrorData;

  constructor(cause: unknown) {
    super("the worker died", { cause });
    const code = (cause as { code?: unknown } | null)?.code === "ERR_WORKER_OUT_OF_MEMORY" ? "out_of_memory" : "internal_error";
    const why = cause instanceof Error ? cause.message : String(cause);
    this.data = { code, path: "", message: `the trial's worker ended: ${why}` };
  }
}

/** A worker and the job that it is at. */
class Hand {
  readonly #worker: Worker;
  /** What becomes of the job under way. */
  #take: ((message: FromWorker | Death) => void) | undefined;

  constructor(setup: WorkerSetup) {
    // From here and from the bundled entry alike, the file is a folder away. No flags from the command line: some, such as
    // --input-type, are errors in a worker that is a file.
    this.#worker = new Worker(new URL("../tuning/worker.js", import.meta.url), { workerData: setup, execArgv: [] });
    this.#worker.on("message", (message: FromWorker) => this.#take?.(message));
    for (const failure of ["messageerror", "error", "exit"]) {
      this.#worker.on(failure, (cause: unknown) => this.#take?.(new Death(failure === "exit" ? `exit code ${String(cause)}` : cause)));
    }
  }

  /** @throws {Death}; and what the callback threw, once the worker has come to rest */
  run(job: Job, onEpoch: (epoch: EpochEnd) => void | Promise<void>): Promise<JobEnd> {
    let thrown: { readonly error: unknown } | undefined;
    return new Promise<JobEnd>((resolve, reject) => {
      this.#take = (message) => {
        if (message instanceof Death) return reject(message);
        if (message.kind !== "epoch") return thrown ? reject(thrown.error) : resolve(message);
        (async () => onEpoch(message.epoch))().catch((error: unknown) => {
          thrown ??= { error };
          this.stop();
        });
      };
      try {
        this.#post({ kind: "run", job });
      } catch (cause) {
        reject(new GatewiseError("invalid_option", "options", `the options must be plain data: ${String(cause)}`, { cause }));
      }
    }).finally(() => (this.#take = undefined));
  }

  stop(): void {
    this.#post({ kind: "stop" });
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message, []);
  }
}
