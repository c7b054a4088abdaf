// Starts the training worker in a browser. In this folder because bundlers need the worker's address written out,
// relative to the file that starts it.

import type { StartWorker } from "./worker-trainer.js";
import type { Reply } from "./worker-protocol.js";

/** Starts the worker of `wasm-worker.ts`. */
export const startBrowserWorker: StartWorker = (received, failed) => {
  const worker = new Worker(new URL("./wasm-worker.js", import.meta.url), { type: "module" });
  worker.onmessage = (event: MessageEvent<Reply>) => received(event.data);
  worker.onmessageerror = () => failed("a message could not be read");
  // Without a message when the worker's file could not be loaded.
  worker.onerror = (event) => failed(event.message || "its file could not be loaded or run");
  return {
    post: (request, transfer) => worker.postMessage(request, transfer as ArrayBuffer[]),
    terminate: () => worker.terminate(),
  };
};
