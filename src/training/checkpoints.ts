// When and where a run is kept, and what it goes on from. Knows trainers and files, not what is in either.

import type { TrainerHandle } from "../backend/backend.js";
import { kindOf } from "../data/buffers.js";
import { GatewiseError } from "../errors.js";
import type { TrainingProgress } from "../generated/core.js";
import { currentPlatform } from "../platform.js";
import type { CheckpointInterval, CheckpointOptions, TakeBytes } from "./types.js";

/** Makes the file of the model with other weights. */
export type ModelFile = (weights: Float32Array) => Uint8Array;

/** A file's place, or whoever takes its bytes. */
type Target = string | URL | TakeBytes;

const PATH = "options.checkpoint";

/** Checks the options, as far as JavaScript alone can. */
export function assertCheckpointOptions(options: CheckpointOptions, validates: boolean): void {
  const { path, every = {}, best, resume }: Partial<CheckpointOptions> = Object(options);
  const refuse = (place: string, message: string): never => {
    throw new GatewiseError("invalid_option", `${PATH}${place}`, message);
  };
  if (kindOf(options) !== "an object") refuse("", `checkpoint must be an object with a path, not ${kindOf(options)}`);
  assertTarget(path, `${PATH}.path`);
  if (best !== undefined) {
    assertTarget(best, `${PATH}.best`);
    if (!validates) refuse(".best", "which epoch is best is told by data that is not trained on: give `validation`");
  }
  if (kindOf(every) !== "an object") refuse(".every", "give an object with epochs, seconds or batches");
  for (const [name, value] of Object.entries(every)) {
    if (!["epochs", "seconds", "batches"].includes(name)) refuse(`.every.${name}`, "give `epochs`, `seconds` or `batches`");
    if (value !== undefined && !(typeof value === "number" && value > 0)) refuse(`.every.${name}`, "give a number above 0");
  }
  const known = ["path", "every", "best", "resume"];
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) refuse(`.${unknown}`, `there is no such option: use ${known.join(", ")}`);
  if (resume === undefined || typeof resume === "boolean" || kindOf(resume) === "Uint8Array") {
    if (resume === true && typeof path === "function") {
      refuse(".resume", "a function cannot be read from: give the bytes of the checkpoint");
    }
    return;
  }
  refuse(".resume", `resume must be true, false or the bytes of a checkpoint, not ${kindOf(resume)}`);
}

function assertTarget(target: unknown, path: string): asserts target is Target {
  const writes = typeof target === "string" || target instanceof URL;
  if (typeof target !== "function" && !writes) {
    throw new GatewiseError("invalid_option", path, `give a file's path or a function that takes its bytes, not ${kindOf(target)}`);
  }
  if (writes && !currentPlatform().writeFile) {
    throw new GatewiseError("file_access", path, "this runtime writes no files: give a function that takes the bytes");
  }
}

/** The bytes to go on from, if there are any. */
export async function bytesToResume({ path, resume }: CheckpointOptions): Promise<Uint8Array | undefined> {
  if (typeof resume === "object") return resume;
  if (resume !== true || typeof path === "function") return undefined;
  try {
    return await currentPlatform().readFile(path);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GatewiseError("file_access", `${PATH}.resume`, `the checkpoint could not be read: ${why}`, { cause });
  }
}

/** Keeps one run. */
export class Checkpoints {
  readonly #options: CheckpointOptions;
  readonly #every: CheckpointInterval;
  readonly #model: ModelFile;
  #since = { epochs: 0, batches: 0, time: performance.now() };
  #bestEpoch: number | null;
  /** Where the last one that was written is, as a sentence may say it. */
  #last: string | undefined;

  /** Of a run that begins, or goes on, as `begun` says. */
  constructor(options: CheckpointOptions, begun: TrainingProgress, model: ModelFile) {
    this.#options = options;
    this.#every = options.every ?? { epochs: 1 };
    this.#model = model;
    this.#bestEpoch = begun.bestEpoch;
    if (options.resume === true && begun.step > 0) this.#last = named(options.path);
  }

  get last(): string | undefined {
    return this.#last;
  }

  /** After how many batches at most there is something to be done. */
  get batchesLeft(): number {
    return Math.max(1, (this.#every.batches ?? Infinity) - this.#since.batches);
  }

  /** Takes note of a crossing, and writes what is due. */
  async observe(trainer: TrainerHandle, progress: TrainingProgress): Promise<void> {
    const { epochs = Infinity, seconds = Infinity, batches = Infinity } = this.#every;
    this.#since.epochs += progress.epochs.length;
    this.#since.batches += progress.batches;
    if (progress.bestEpoch !== this.#bestEpoch) await this.#saveBest(trainer, progress.bestEpoch);
    const elapsed = (performance.now() - this.#since.time) / 1000;
    const isDue = this.#since.epochs >= epochs || this.#since.batches >= batches || elapsed >= seconds;
    if (isDue || progress.finished) await this.save(trainer);
  }

  /** Writes the run as it is. */
  async save(trainer: TrainerHandle): Promise<void> {
    await write(this.#options.path, await trainer.checkpoint(), ".path", this.#last);
    this.#last = named(this.#options.path);
    this.#since = { epochs: 0, batches: 0, time: performance.now() };
  }

  /** Before the run itself: who goes on from that finds the best model so far written already. */
  async #saveBest(trainer: TrainerHandle, epoch: number | null): Promise<void> {
    const { best } = this.#options;
    if (best !== undefined) await write(best, this.#model(await trainer.bestWeights()), ".best", undefined);
    this.#bestEpoch = epoch;
  }
}

function named(target: Target): string | undefined {
  return typeof target === "function" ? undefined : String(target);
}

async function write(target: Target, bytes: Uint8Array, place: string, last: string | undefined): Promise<void> {
  // What a caller's own function throws is the caller's.
  if (typeof target === "function") return target(bytes);
  try {
    await currentPlatform().writeFile?.(target, bytes);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const kept = last === undefined ? "" : `; the one that was written before is still at ${last}`;
    const message = `the checkpoint could not be written: ${why}${kept}. Make room or give another path`;
    throw new GatewiseError("file_access", `${PATH}${place}`, message, { cause });
  }
}
