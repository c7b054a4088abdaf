// The facade's side of a trainer in a worker. Knows the protocol; what starts a worker comes from the runtime.

import { GatewiseError, fromBinding } from "../errors.js";
import type { TrainingProgress } from "../generated/core.js";
import { type LabelledSequences, type TrainerHandle, type TrainingJob, comesInChunks } from "./backend.js";
import { type Answers, type Reply, type Request, buffersOf, buffersOfData } from "./worker-protocol.js";

/** A started worker. */
export interface TrainingWorker {
  post(request: Request, transfer: ArrayBufferLike[]): void;
  /** Ends it at once, whatever it is doing. */
  terminate(): void;
}

/** Starts a worker. `failed` is called if it cannot start, throws outside of a request, or ends. */
export type StartWorker = (received: (reply: Reply) => void, failed: (cause: unknown) => void) => TrainingWorker;

/** Starts a worker and has it make the job's trainer. */
export async function openTrainerInWorker(
  start: StartWorker,
  module: WebAssembly.Module,
  job: TrainingJob,
): Promise<TrainerHandle> {
  const client = new WorkerClient(start);
  let begun: TrainingProgress;
  try {
    const { copy, transfer } = withOwnBuffers(job);
    begun = await client.ask({ kind: "open", module, job: copy }, transfer);
  } catch (error) {
    client.dispose();
    throw error;
  }
  return {
    begun,
    giveChunk(chunk, given) {
      const data = copyOf(given);
      return client.ask({ kind: "chunk", chunk, data }, buffersOfData(data));
    },
    advance: (batches) => client.ask({ kind: "advance", batches }),
    weights: () => client.ask({ kind: "weights" }),
    bestWeights: () => client.ask({ kind: "best" }),
    optimizer: () => client.ask({ kind: "optimizer" }),
    checkpoint: () => client.ask({ kind: "checkpoint" }),
    dispose: () => client.dispose(),
  };
}

interface Pending {
  resolve(value: Answers[keyof Answers]): void;
  reject(error: GatewiseError): void;
}

/** One request at a time, each a promise. Once the worker has failed or was disposed of, every request rejects. */
class WorkerClient {
  readonly #worker: TrainingWorker;
  #pending: Pending | undefined;
  #ended: GatewiseError | undefined;

  constructor(start: StartWorker) {
    this.#worker = start(
      (reply) => this.#received(reply),
      (cause) => this.#end(workerFailure(cause)),
    );
  }

  ask<Kind extends keyof Answers>(
    request: Extract<Request, { kind: Kind }>,
    transfer: ArrayBufferLike[] = [],
  ): Promise<Answers[Kind]> {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(this.#ended);
      // The reply to a request of this kind holds this kind's answer: `worker-host.ts` sees to it.
      this.#pending = { resolve: (value) => resolve(value as Answers[Kind]), reject };
      this.#worker.post(request, transfer);
    });
  }

  dispose(): void {
    this.#end(new GatewiseError("model_disposed", "", "the trainer was disposed of"));
  }

  #received(reply: Reply): void {
    const pending = this.#pending;
    this.#pending = undefined;
    if (reply.ok) pending?.resolve(reply.value);
    else pending?.reject(new GatewiseError(reply.error.code, reply.error.path, reply.error.message));
  }

  #end(reason: GatewiseError): void {
    if (this.#ended) return;
    this.#ended = reason;
    this.#worker.terminate();
    this.#pending?.reject(reason);
    this.#pending = undefined;
  }
}

function workerFailure(cause: unknown): GatewiseError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return fromBinding(new Error(`the training worker ended: ${text}`, { cause }));
}

/** A copy of the job whose arrays own their buffers: those move into the worker, and the caller's stay as they are. */
function withOwnBuffers(job: TrainingJob): { copy: TrainingJob; transfer: ArrayBuffer[] } {
  const training = comesInChunks(job.training) ? job.training : copyOf(job.training);
  const validation = job.validation && copyOf(job.validation);
  const optimizer = job.optimizer && { ...job.optimizer, numbers: job.optimizer.numbers.slice() };
  // `slice` of a Buffer would be a view.
  const checkpoint = job.checkpoint && new Uint8Array(job.checkpoint);
  const copy = { ...job, weights: job.weights.slice(), training, validation, optimizer, checkpoint };
  return { copy, transfer: buffersOf(copy) };
}

function copyOf({ steps, ...arrays }: LabelledSequences): LabelledSequences {
  return {
    steps,
    x: arrays.x?.slice(),
    tokens: arrays.tokens?.slice(),
    statics: arrays.statics?.slice(),
    lengths: arrays.lengths?.slice(),
    classes: arrays.classes?.slice(),
    numbers: arrays.numbers?.slice(),
    weights: arrays.weights?.slice(),
  };
}
