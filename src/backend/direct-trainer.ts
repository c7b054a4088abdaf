// A trainer that lives on this thread's side of a binding: natively, in a worker, or in slices where there is no worker.

import { GatewiseError, fromBinding } from "../errors.js";
import type { TrainingProgress } from "../generated/core.js";
import { fromJson } from "../json.js";
import { type LabelledSequences, type OptimizerRecord, type TrainerHandle, type TrainingJob, comesInChunks } from "./backend.js";
import type { BindingData, BindingModule, BindingTrainer } from "./binding.js";
import { release } from "./release.js";

/** Makes the job's trainer and hands it its data. Errors are the package's. */
export function openTrainer(binding: BindingModule, job: TrainingJob): TrainerHandle {
  const trainer = attempt(() => new binding.Trainer(job.definition, job.machine, job.weights, job.options));
  try {
    const { training, validation, optimizer, checkpoint } = job;
    attempt(() =>
      comesInChunks(training) ? trainer.setChunks(training.sizes) : trainer.setTraining(...asArguments(training)),
    );
    if (validation) attempt(() => trainer.setValidation(...asArguments(validation)));
    if (optimizer && !checkpoint) setOptimizer(trainer, optimizer);
    const begun = attempt(() => (checkpoint ? trainer.resume(checkpoint) : trainer.start()));
    return new DirectTrainer(trainer, job.weights.length, fromJson<TrainingProgress>(begun));
  } catch (error) {
    release(trainer);
    throw error;
  }
}

class DirectTrainer implements TrainerHandle {
  readonly begun: TrainingProgress;
  readonly #trainer: BindingTrainer;
  /** Numbers of all tensors together. */
  readonly #length: number;

  constructor(trainer: BindingTrainer, length: number, begun: TrainingProgress) {
    this.#trainer = trainer;
    this.#length = length;
    this.begun = begun;
  }

  async giveChunk(chunk: number, data: LabelledSequences): Promise<void> {
    attempt(() => this.#trainer.setChunk(chunk, ...asArguments(data)));
  }

  async advance(batches: number): Promise<TrainingProgress> {
    try {
      return fromJson<TrainingProgress>(await this.#trainer.advance(batches));
    } catch (thrown) {
      throw fromBinding(thrown);
    }
  }

  async weights(spare = new Float32Array(this.#length)): Promise<Float32Array> {
    attempt(() => this.#trainer.weights(spare));
    return spare;
  }

  async bestWeights(): Promise<Float32Array> {
    const weights = new Float32Array(this.#length);
    attempt(() => this.#trainer.bestWeights(weights));
    return weights;
  }

  async optimizer(): Promise<OptimizerRecord> {
    return attempt(() => ({ contents: this.#trainer.optimizer(), numbers: this.#trainer.optimizerNumbers() }));
  }

  async checkpoint(): Promise<Uint8Array> {
    return attempt(() => this.#trainer.checkpoint());
  }

  dispose(): void {
    release(this.#trainer);
  }
}

/** Whatever is wrong with it, callers gave it with the options. */
function setOptimizer(trainer: BindingTrainer, { contents, numbers }: OptimizerRecord): void {
  try {
    trainer.setOptimizer(contents, numbers);
  } catch (thrown) {
    const error = fromBinding(thrown);
    if (!error.path.startsWith("optimizerState")) throw error;
    throw new GatewiseError(error.code, `options.${error.path}`, error.message, { cause: thrown });
  }
}

function asArguments(data: LabelledSequences): BindingData {
  const { x, tokens, statics, steps, lengths, classes, numbers, weights } = data;
  return [x, tokens, statics, steps, lengths, classes, numbers, weights];
}

function attempt<T>(operation: () => T): T {
  try {
    return operation();
  } catch (thrown) {
    throw fromBinding(thrown);
  }
}
