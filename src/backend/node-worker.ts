// Starts the training worker in Node.

import { Worker } from "node:worker_threads";

import type { StartWorker } from "./worker-trainer.js";

/** Starts the worker of `wasm-worker-node.ts`. */
export const startNodeWorker: StartWorker = (received, failed) => {
  // No flags from the command line: some, such as --input-type, are errors in a worker that is a file.
  const worker = new Worker(new URL("./wasm-worker-node.js", import.meta.url), { execArgv: [] });
  worker.on("message", received);
  worker.on("messageerror", failed);
  worker.on("error", failed);
  worker.on("exit", (code) => failed(`exit code ${code}`));
  return {
    post: (request, transfer) => worker.postMessage(request, transfer as ArrayBuffer[]),
    // An orderly end is not waited for: the process may exit before the thread has.
    terminate: () => {
      worker.unref();
      void worker.terminate();
    },
  };
};
