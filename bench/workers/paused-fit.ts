// A `fit` that runs on demand: it waits in its own `onProgress` until more steps are asked for. So one run of training,
// with its data and its weights in place, is measured piece by piece, in turn with other engines.

import type { FitOptions, LabelledData, Model } from "gatewise";

/** Milliseconds between two progress reports of `fit`, about: the facade aims at 50. */
export const CROSSING = 50;

export class PausedFit {
  readonly #model: Model;
  readonly #data: LabelledData;
  readonly #options: FitOptions;
  /** The loss of every step so far. */
  readonly losses: number[] = [];
  /** Lets the waiting `fit` go on. */
  #resume: (() => void) | undefined;
  /** Called at every progress; settles what waits for it. */
  #progressed: (() => void) | undefined;
  #failed: ((reason: unknown) => void) | undefined;

  constructor(model: Model, data: LabelledData, options: FitOptions) {
    this.#model = model;
    this.#data = data;
    this.#options = options;
  }

  /**
   * Trains on until at least `count` more steps are done. What is done at once is the facade's decision: some {@link CROSSING} milliseconds.
   *
   * @returns the milliseconds of `count` steps, the mean over those that were done
   */
  async run(count: number): Promise<number> {
    if (!this.#resume) await this.#start();
    const [before, began] = [this.losses.length, performance.now()];
    while (this.losses.length < before + count) await this.#advance();
    return ((performance.now() - began) * count) / (this.losses.length - before);
  }

  /** The first crossing: its trainer, its copies of the data and its memory are made before anything is timed. */
  #start(): Promise<void> {
    return this.#progress(() => {
      const onProgress = ({ losses }: { losses: readonly number[] }): Promise<void> => {
        this.losses.push(...losses);
        const resumed = new Promise<void>((resolve) => (this.#resume = resolve));
        this.#progressed?.();
        return resumed;
      };
      // It never ends by itself: the process does.
      this.#model.fit(this.#data, { ...this.#options, epochs: 1_000_000, onProgress }).catch((error: unknown) => this.#failed?.(error));
    });
  }

  #advance(): Promise<void> {
    return this.#progress(() => this.#resume?.());
  }

  #progress(action: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      [this.#progressed, this.#failed] = [resolve, reject];
      action();
    });
  }
}
