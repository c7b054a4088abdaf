// Files in Node, read in parts and unpacked: what only the readers of data need, and so a file of its own.

import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";

import { type FileAccess, openFetched, streamFetched } from "../file-access.js";

/** Bytes that are read at once. */
const CHUNK = 1 << 20;

function isRemote(location: string | URL): boolean {
  return location instanceof URL && location.protocol !== "file:";
}

export const nodeFiles: FileAccess = {
  async open(location) {
    if (isRemote(location)) return openFetched(location);
    const file = await open(location);
    try {
      const { size } = await file.stat();
      return {
        size,
        async read(start, end) {
          const bytes = new Uint8Array(Math.max(0, Math.min(end, size) - start));
          const { bytesRead } = await file.read(bytes, 0, bytes.length, start);
          return bytes.subarray(0, bytesRead);
        },
        close: () => file.close(),
      };
    } catch (error) {
      await file.close();
      throw error;
    }
  },

  async *stream(location) {
    if (isRemote(location)) return yield* streamFetched(location);
    const file = await open(location);
    try {
      for (;;) {
        const bytes = new Uint8Array(CHUNK);
        const { bytesRead } = await file.read(bytes, 0, CHUNK);
        if (bytesRead === 0) return;
        yield bytes.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  },

  async *gunzip(chunks) {
    const packed = Readable.from(chunks, { objectMode: false, highWaterMark: CHUNK });
    const unpacked = createGunzip({ chunkSize: CHUNK >> 2 });
    packed.on("error", (error) => unpacked.destroy(error));
    try {
      yield* packed.pipe(unpacked) as AsyncIterable<Uint8Array>;
    } finally {
      packed.destroy();
      unpacked.destroy();
    }
  },
};
