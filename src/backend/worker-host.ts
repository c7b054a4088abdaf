// The worker's side: holds one trainer in a WebAssembly instance of its own and answers one request after the other. Runs
// in workers of browsers and of Node, so it must not know either.

// A static import, unlike in wasm.ts: bundlers write workers as one file, where an import cannot wait.
import { instantiate } from "#wasm";
import { fromBinding } from "../errors.js";
import type { TrainerHandle } from "./backend.js";
import { openTrainer } from "./direct-trainer.js";
import { type Answers, type Reply, type Request, buffersOf, buffersOfAnswer, buffersOfData } from "./worker-protocol.js";

/** Posts a reply; `transfer` lists the buffers that move instead of being copied. */
export type Post = (reply: Reply, transfer: ArrayBufferLike[]) => void;

/**
 * Frees at once what moved here with a request, now that the trainer has copied it: a worker makes so little garbage that it
 * may never be collected. Messages that nobody receives go with their ports.
 */
function freeBuffers(buffers: ArrayBuffer[]): void {
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(undefined, buffers);
  port1.close();
  port2.close();
}

/** A function that takes the requests and has them answered through `post`. */
export function serveTraining(post: Post): (request: Request) => Promise<void> {
  let trainer: TrainerHandle | undefined;

  async function answer(request: Request): Promise<Answers[keyof Answers]> {
    if (request.kind === "open") {
      trainer = openTrainer(instantiate(request.module), request.job);
      freeBuffers(buffersOf(request.job));
      return trainer.begun;
    }
    if (!trainer) throw new Error(`the worker was asked for ${request.kind} before it was opened`);
    switch (request.kind) {
      case "chunk":
        await trainer.giveChunk(request.chunk, request.data);
        freeBuffers(buffersOfData(request.data));
        return undefined;
      case "advance":
        return trainer.advance(request.batches);
      case "weights":
        return trainer.weights();
      case "best":
        return trainer.bestWeights();
      case "optimizer":
        return trainer.optimizer();
      case "checkpoint":
        return trainer.checkpoint();
    }
  }

  return async (request) => {
    try {
      const value = await answer(request);
      post({ ok: true, value }, buffersOfAnswer(value));
    } catch (thrown) {
      const { code, path, message } = fromBinding(thrown);
      post({ ok: false, error: { code, path, message } }, []);
    }
  };
}
