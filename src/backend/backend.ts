// What the facade asks of a backend, and all that it asks. A backend must not know labels, files, callbacks, abort signals
// or what a fit is: it makes models and trainers from JSON and typed arrays, and lets their errors through.

import type { MachineDescription, TrainingProgress } from "../generated/core.js";
import type { BindingLayer, BindingLoading, BindingModel } from "./binding.js";

/** Bytes of a safetensors file's header, at most: the format's own limit. The core refuses more; what reads files need not read them. */
export const MOST_HEADER = 100_000_000;

/** The name of a backend: the native addon, or WebAssembly. */
export type BackendName = "native" | "wasm";

/** A backend that is there and loaded. Everything that throws throws what the binding threw. */
export interface Backend {
  readonly name: BackendName;
  /** What it runs on here. */
  readonly machine: MachineDescription;
  /** A new model, apart from every other: what befalls one never harms another. */
  createModel(definition: string, machine: string): BindingModel;
  /** The same from a model file, which begins with `beginning`: all of its header at least. */
  startLoading(beginning: Uint8Array, fileLength: number): BindingLoading;
  /** A new layer by itself, as much apart. */
  createLayer(definition: string, options: string, machine: string): BindingLayer;
  /** JSON of `FileHeader`: of a safetensors file's first 8 bytes and the header whose length they tell. */
  readHeader(beginning: Uint8Array, fileLength: number): string;
  /**
   * What a safetensors file begins with, from JSON of its tensors' names, types and shapes, and of its metadata; `readHeader`
   * of it tells in which order the tensors' bytes follow.
   */
  writeHeader(json: string): Uint8Array;
  /** A trainer that has the job's data and is ready to advance. */
  createTrainer(job: TrainingJob): Promise<TrainerHandle>;
}

/** All that a trainer needs, as data that can be posted to a worker. */
export interface TrainingJob {
  /** JSON of the definition. */
  readonly definition: string;
  /** JSON of what the machine may use: `{ "threads": 2 }` or `{}`. */
  readonly machine: string;
  /** JSON of the core's `TrainingOptions`. */
  readonly options: string;
  /** The model's weights, every tensor one after the other. */
  readonly weights: Float32Array;
  /** All training data at once, or how many samples each chunk of it will have. */
  readonly training: LabelledSequences | ChunkSizes;
  readonly validation?: LabelledSequences | undefined;
  /** What the optimiser knows before its first step; without it, nothing. A checkpoint has its own. */
  readonly optimizer?: OptimizerRecord | undefined;
  /** A run to go on with, as {@link TrainerHandle.checkpoint} gave it. */
  readonly checkpoint?: Uint8Array | undefined;
}

/** What an optimiser knows beside its options. */
export interface OptimizerRecord {
  /** JSON of the core's `OptimizerContents`. */
  readonly contents: string;
  /** Those of its tensors, one after the other. */
  readonly numbers: Float32Array;
}

/** Training data that comes in chunks. */
export interface ChunkSizes {
  /** Samples of each. */
  readonly sizes: Uint32Array;
}

/** Whether training data comes in chunks. */
export function comesInChunks(data: LabelledSequences | ChunkSizes): data is ChunkSizes {
  return "sizes" in data;
}

/** What predictions are held to, as the core takes it: either classes or numbers. */
export interface CoreTargets {
  /** [n] or [n, steps] class indices. */
  readonly classes?: Uint32Array | undefined;
  /** [n, …] or [n, steps, …] labels or values. */
  readonly numbers?: Float32Array | undefined;
  /** [n] or [n, steps] */
  readonly weights?: Float32Array | undefined;
}

/** Sequences and their targets, as the core takes them: arrays that the model does not read are undefined. */
export interface LabelledSequences extends CoreTargets {
  /** [n, steps, features] */
  readonly x?: Float32Array | undefined;
  /** [n, steps] */
  readonly tokens?: Uint32Array | undefined;
  /** [n, statics] */
  readonly statics?: Float32Array | undefined;
  readonly steps: number;
  /** [n] */
  readonly lengths?: Uint32Array | undefined;
}

/** A trainer, wherever it runs. One call at a time. */
export interface TrainerHandle {
  /** Where the run is before the first `advance`: with all losses and epochs so far, if it goes on from a checkpoint. */
  readonly begun: TrainingProgress;
  /** Hands over the chunk that the progress asks for. */
  giveChunk(chunk: number, data: LabelledSequences): Promise<void>;
  /** Works through that many batches without holding up the caller's event loop. */
  advance(batches: number): Promise<TrainingProgress>;
  /** A copy of the weights after the last `advance`, in `spare` where that saves memory: an array that nobody reads any more. */
  weights(spare?: Float32Array): Promise<Float32Array>;
  /** The weights of the epoch that was best on the validation data; there has to be one. */
  bestWeights(): Promise<Float32Array>;
  /** What the optimiser knows after its last step. */
  optimizer(): Promise<OptimizerRecord>;
  /** The run as it is between two calls of `advance`, as a safetensors file. */
  checkpoint(): Promise<Uint8Array>;
  /** Ends it at once and frees what it holds; a call under way may reject. */
  dispose(): void;
}

/** A backend that may or may not be there. */
export interface BackendSource {
  readonly name: BackendName;
  /** What makes it available where it is not, as the end of a sentence. */
  readonly remedy: string;
  /** Loads it, or throws why that is not possible. */
  open(): Promise<Backend>;
}
