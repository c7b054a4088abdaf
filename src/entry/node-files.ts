// Files in Node, read in parts and unpacked: what only the readers of data need, and so a file of its own.

import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";

import { type FileAccess, type OpenFile, openFetched, openWhollyFetched, streamFetched } from "../file-access.js";

/** Bytes that are read at once. */
const CHUNK = 1 << 20;

function isRemote(location: string | URL): boolean {
  return location instanceof URL && location.protocol !== "file:";
}

async function openLocal(location: string | URL): Promise<OpenFile> {
  const file = await open(location);
  try {
    const { size } = await file.stat();
    return {
      size,
      async read(start, end, room) {
        const length = Math.max(0, Math.min(end, size) - start);
        const bytes = (room?.subarray(0, length) ?? new Uint8Array(length)) as Uint8Array<ArrayBuffer>;
        const { bytesRead } = await file.read(bytes, 0, length, start);
        return bytes.subarray(0, bytesRead);
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

export const nodeFiles: FileAccess = {
  open: async (location) => (isRemote(location) ? openFetched(location) : openLocal(location)),
  openWhole: async (location) => (isRemote(location) ? openWhollyFetched(location) : openLocal(location)),

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
