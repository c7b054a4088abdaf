// Files in browsers, read in parts and unpacked: what only the readers of data need, and so a file of its own.

import { type FileAccess, chunksOf, openFetched, openWhollyFetched, streamFetched } from "../file-access.js";

export const browserFiles: FileAccess = {
  open: openFetched,
  openWhole: openWhollyFetched,
  stream: streamFetched,

  async *gunzip(chunks) {
    const iterator = chunks[Symbol.asyncIterator]();
    const packed = new ReadableStream<BufferSource>({
      async pull(controller) {
        const { done, value } = await iterator.next();
        if (done) controller.close();
        else controller.enqueue(value as Uint8Array<ArrayBuffer>);
      },
      async cancel() {
        await iterator.return?.();
      },
    });
    yield* chunksOf(packed.pipeThrough(new DecompressionStream("gzip")));
  },
};
