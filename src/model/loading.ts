// A model's file on its way into a backend: in pieces, so that of all that is in memory nothing but the model is as large as the
// file. Knows no format; the core says where numbers begin, and what is wrong.

import { type Backend, MOST_HEADER } from "../backend/backend.js";
import type { BindingLoading, BindingModel } from "../backend/binding.js";
import { release } from "../backend/release.js";
import { assertUnshared, kindOf } from "../data/buffers.js";
import { GatewiseError } from "../errors.js";
import { TURN_MS, nextTurn } from "../event-loop.js";
import { type OpenFile, openBlob, openBytes } from "../file-access.js";
import { currentPlatform } from "../platform.js";

/** A model's file: a path (in browsers an address to fetch), its bytes, or a `Blob` such as a chosen `File`. */
export type ModelSource = string | URL | Uint8Array | ArrayBuffer | Blob;

/** Bytes that are read and handed over at once: some milliseconds' work. */
const PIECE = 4 << 20;
/** Bytes that tell the header's length. */
const PREFIX = 8;

/** A model with what its file holds. @throws {GatewiseError} `file_access`, `invalid_option`, `shared_buffer`, or what the backend does */
export async function loadFile(source: ModelSource, backend: Backend, machine: string): Promise<BindingModel> {
  const file = await openFile(source);
  try {
    const room = [0, 1].map(() => new Uint8Array(Math.min(PIECE, file.size))) as [Uint8Array, Uint8Array];
    const beginning = await readBeginning(file, room[0]);
    const loading = backend.startLoading(beginning, file.size);
    try {
      await feed(loading, beginning, file, room);
      return loading.finish(machine);
    } catch (error) {
      release(loading);
      throw error;
    }
  } finally {
    await file.close();
  }
}

/** The first piece of a file, with all of the header in any case in which that may be one. */
async function readBeginning(file: OpenFile, room: Uint8Array): Promise<Uint8Array> {
  const first = await file.read(0, PIECE, room);
  if (first.length < PREFIX) return first;
  const length = Number(new DataView(first.buffer, first.byteOffset).getBigUint64(0, true));
  const isMore = PREFIX + length > first.length && PREFIX + length <= file.size && length <= MOST_HEADER;
  return isMore ? file.read(0, PREFIX + length) : first;
}

/** Hands over all that follows the header. While the core takes a piece, the next one is read: `room` is that of two. */
async function feed(loading: BindingLoading, beginning: Uint8Array, file: OpenFile, room: [Uint8Array, Uint8Array]): Promise<void> {
  let piece = beginning.subarray(loading.begin());
  let at = beginning.length;
  let turn = performance.now();
  for (let count = 1; ; count++) {
    const next = at < file.size ? file.read(at, at + PIECE, room[count % 2]) : undefined;
    // Whether or not anybody waits for it: this loop may end before.
    next?.catch(() => undefined);
    loading.take(piece);
    if (performance.now() - turn > TURN_MS) {
      await nextTurn();
      turn = performance.now();
    }
    piece = (await next) ?? new Uint8Array(0);
    // A file that has become shorter meanwhile gives nothing; the core knows what is missing.
    if (piece.length === 0) return;
    at += piece.length;
  }
}

async function openFile(source: ModelSource): Promise<OpenFile> {
  if (typeof source === "string" || source instanceof URL) {
    const file = await accessing(async () => (await currentPlatform().files()).openWhole(source));
    return { ...file, read: (...part) => accessing(() => file.read(...part)) };
  }
  if (typeof Blob !== "undefined" && source instanceof Blob) {
    const file = openBlob(source);
    return { ...file, read: (...part) => accessing(() => file.read(...part)) };
  }
  // By its kind: `instanceof` does not hold across realms.
  const bytes = source instanceof ArrayBuffer ? new Uint8Array(source) : (source as Uint8Array);
  if (kindOf(bytes) !== "Uint8Array") {
    const message = `give a path, a URL, a Uint8Array, an ArrayBuffer or a Blob, not ${kindOf(bytes)}`;
    throw new GatewiseError("invalid_option", "source", message);
  }
  assertUnshared(bytes, "source");
  return openBytes(bytes);
}

async function accessing<Value>(access: () => Promise<Value>): Promise<Value> {
  try {
    return await access();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GatewiseError("file_access", "source", `the model file could not be read: ${why}`, { cause });
  }
}
