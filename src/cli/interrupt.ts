// Ctrl-C as a signal to stop at the next chance; a second one ends the process at once.

import { note } from "./output.js";
import { EXIT } from "./failure.js";

/** A signal that Ctrl-C (or SIGTERM) aborts while `work` runs. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    note("\nstopping; once more ends it at once");
    controller.abort();
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
  try {
    return await work(controller.signal);
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}
