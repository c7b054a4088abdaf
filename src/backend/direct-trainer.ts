// A trainer that lives on this thread's side of a binding: natively, in a worker, or in slices where there is no worker.

import { fromBinding } from "../errors.js";
import type { TrainingProgress } from "../generated/core.js";
import { fromJson } from "../json.js";
import type { LabelledSequences, TrainerHandle, TrainingJob } from "./backend.js";
import type { BindingData, BindingModule, BindingTrainer } from "./binding.js";
import { release } from "./release.js";

/** Makes the job's trainer and hands it its data. Errors are the package's. */
export function openTrainer(binding: BindingModule, job: TrainingJob): TrainerHandle {
  const trainer = attempt(() => new binding.Trainer(job.definition, job.machine, job.weights, job.options));
  try {
    const { training, validation } = job;
    attempt(() => trainer.setTraining(...asArguments(training)));
    if (validation) attempt(() => trainer.setValidation(...asArguments(validation)));
    attempt(() => trainer.start());
  } catch (error) {
    release(trainer);
    throw error;
  }
  return new DirectTrainer(trainer, job.weights.length);
}

class DirectTrainer implements TrainerHandle {
  readonly #trainer: BindingTrainer;
  /** Numbers of all tensors together. */
  readonly #length: number;

  constructor(trainer: BindingTrainer, length: number) {
    this.#trainer = trainer;
    this.#length = length;
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

  dispose(): void {
    release(this.#trainer);
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
