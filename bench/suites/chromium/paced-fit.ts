// `model.fit`, one crossing into the core at a time: it waits in `onProgress` while its peer has its turn.

import type { FitOptions, LabelledData, Model } from "gatewise";

/** Training that stands still between two calls of `next`. */
export class PacedFit {
  /** Resolves as `fit` does. */
  readonly finished: Promise<unknown>;
  readonly #abort = new AbortController();
  #go: () => void = () => {};
  #began = performance.now();
  #arrived: (milliseconds: number) => void = () => {};
  #failed: (reason: unknown) => void = () => {};

  constructor(model: Model, data: LabelledData, options: FitOptions) {
    const onProgress: FitOptions["onProgress"] = ({ losses }) => {
      // What `fit` does between two crossings, committing the weights among it, is in the time.
      this.#arrived((performance.now() - this.#began) / losses.length);
      return new Promise((resolve) => (this.#go = resolve));
    };
    this.#go = () => {};
    this.finished = model.fit(data, { ...options, signal: this.#abort.signal, onProgress });
    this.finished.catch((reason: unknown) => this.#failed(reason));
  }

  /** Goes on with the next crossing; milliseconds a step of it. */
  next(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#arrived = resolve;
      this.#failed = reject;
      this.#began = performance.now();
      this.#go();
    });
  }

  /** Ends it. */
  async stop(): Promise<void> {
    this.#abort.abort();
    this.#go();
    await this.finished;
  }
}
