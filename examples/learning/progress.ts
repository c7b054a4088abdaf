// A bar for long trainings.

import { Presets, SingleBar } from "cli-progress";

/** What `fit` tells of its progress, as far as a bar shows it. */
interface Progress {
  readonly step: number;
  readonly totalSteps: number;
  readonly losses: readonly number[];
}

/** Shows a bar while `training` runs, which gets a callback for its progress. */
export async function withBar<Result>(title: string, training: (onProgress: (progress: Progress) => void) => Promise<Result>): Promise<Result> {
  const bar = new SingleBar({ format: `${title} {bar} {percentage} %   step {value} of {total}   loss {loss}`, etaBuffer: 1 }, Presets.shades_classic);
  bar.start(1, 0, { loss: "" });
  try {
    return await training(({ step, totalSteps, losses }) => {
      bar.setTotal(totalSteps);
      bar.update(step, { loss: (losses.reduce((sum, loss) => sum + loss, 0) / losses.length).toPrecision(3) });
    });
  } finally {
    bar.stop();
  }
}
