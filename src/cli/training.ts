// `fit` with progress for people.

import type { Model } from "../model/model.js";
import type { OutputDefinition } from "../model/outputs.js";
import type { CheckpointOptions, EpochReport, History } from "../training/types.js";
import type { OutputFolder } from "./files.js";
import { figure } from "./output.js";
import type { Parts } from "./parts.js";
import { openProgress } from "./progress.js";

/** Seconds from one checkpoint to the next: what a crash costs at most. */
const BETWEEN_CHECKPOINTS = 30;

/** Where a run is kept, and whether to go on from it. */
export function checkpointIn(output: OutputFolder, { validation }: Parts, resume: boolean): CheckpointOptions {
  return {
    path: output.path(CHECKPOINT),
    every: { seconds: BETWEEN_CHECKPOINTS },
    ...(validation && { best: output.path("best.safetensors") }),
    resume,
  };
}

/** The run as it is when it ends, in the output's folder. */
export const CHECKPOINT = "checkpoint.safetensors";

/** Trains on the training part, looks at the validation part, and stops at the signal. */
export async function fitWithProgress(
  model: Model<OutputDefinition>,
  parts: Parts,
  options: object,
  signal: AbortSignal,
): Promise<History<OutputDefinition>> {
  const progress = await openProgress("training");
  let last: EpochReport<OutputDefinition> | undefined;
  try {
    return await model.fit(parts.training as never, {
      ...options,
      validation: parts.validation as never,
      signal,
      onProgress({ step, totalSteps, epoch, totalEpochs, epochs }) {
        last = epochs.at(-1) ?? last;
        progress.update(step, totalSteps, [`epoch ${epoch} of ${totalEpochs}`, ...wordsOf(last)].join(", "));
      },
    });
  } finally {
    progress.end();
  }
}

function wordsOf(epoch: EpochReport<OutputDefinition> | undefined): string[] {
  if (!epoch) return [];
  const { loss, validation } = epoch;
  const accuracy = validation?.accuracy === null || validation?.accuracy === undefined ? [] : [`accuracy ${figure(validation.accuracy)}`];
  return [`loss ${figure(loss)}`, ...(validation ? [`validation ${figure(validation.loss)}`, ...accuracy] : [])];
}
