// Where data is read from: paths, addresses, bytes, blobs, streams. Unpacks gzip, and says which file could not be read.

import { GatewiseError } from "../../errors.js";
import { type OpenFile, chunksOf, openBlob, openBytes } from "../../file-access.js";
import { currentPlatform } from "../../platform.js";
import { assertUnshared, kindOf } from "../buffers.js";

/** A file: a path (in browsers an address), a URL, its bytes, or a `Blob` such as a chosen `File`. */
export type FileSource = string | URL | Uint8Array | ArrayBuffer | Blob;

/** A file, or a stream of its bytes, which is read once. */
export type StreamSource = FileSource | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

/** Bytes from the first to the last, unpacked. */
export interface ByteStream {
  /** What errors call it. */
  readonly name: string;
  /** Whether `chunks` may be called again. */
  readonly again: boolean;
  chunks(): AsyncGenerator<Uint8Array>;
}

/** A file of which any part can be read. */
export interface SeekableFile extends OpenFile {
  readonly name: string;
}

/** The bytes of a source, unpacked where they begin as gzip's do. */
export function byteStream(source: StreamSource): ByteStream {
  const name = nameOf(source);
  const again = isFile(source);
  return { name, again, chunks: () => unpacked(name, packedChunks(source, name)) };
}

/** All the bytes of a source, unpacked. */
export async function allBytes(source: StreamSource): Promise<{ name: string; bytes: Uint8Array }> {
  const { name, chunks } = byteStream(source);
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks()) parts.push(chunk);
  return { name, bytes: joined(parts) };
}

/** Opens a file for reading parts of it. @throws {GatewiseError} `file_access`; `invalid_option` for a stream */
export async function openSeekable(source: FileSource): Promise<SeekableFile> {
  const name = nameOf(source);
  const { size, read, close } = await opened(source, name);
  return { name, size, close, read: (start, end) => accessing(name, () => read(start, end)) };
}

async function opened(source: FileSource, name: string): Promise<OpenFile> {
  if (typeof source === "string" || source instanceof URL) {
    return accessing(name, async () => (await currentPlatform().files()).open(source));
  }
  if (isBlob(source)) return openBlob(source);
  return openBytes(asBytes(source));
}

async function* packedChunks(source: StreamSource, name: string): AsyncGenerator<Uint8Array> {
  if (source instanceof Uint8Array || source instanceof ArrayBuffer) return yield asBytes(source);
  const chunks = await accessing(name, async () => {
    if (typeof source === "string" || source instanceof URL) return (await currentPlatform().files()).stream(source);
    if (isBlob(source)) return chunksOf(source.stream());
    if ("getReader" in source) return chunksOf(source);
    return source;
  });
  const iterator = chunks[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await accessing(name, () => iterator.next());
      if (done) return;
      yield value;
    }
  } finally {
    await iterator.return?.();
  }
}

/** Unpacks chunks that begin with gzip's two bytes; others pass. */
async function* unpacked(name: string, chunks: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  const first = await firstChunk(chunks);
  const all = prepended(first, chunks);
  if (first[0] !== 0x1f || first[1] !== 0x8b) return yield* all;
  const { gunzip } = await currentPlatform().files();
  try {
    yield* gunzip(all);
  } catch (cause) {
    if (cause instanceof GatewiseError) throw cause;
    const message = `${name}: its gzip data is damaged or ends early (${reason(cause)}): get the file again`;
    throw new GatewiseError("invalid_file", name, message, { cause });
  }
}

/** At least two bytes, unless there are fewer. */
async function firstChunk(chunks: AsyncGenerator<Uint8Array>): Promise<Uint8Array> {
  let first: Uint8Array = new Uint8Array(0);
  while (first.length < 2) {
    const { done, value } = await chunks.next();
    if (done) break;
    first = joined([first, value]);
  }
  return first;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only) return only;
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

async function* prepended(first: Uint8Array, rest: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (first.length > 0) yield first;
  yield* rest;
}

/** What errors call a source. */
function nameOf(source: unknown): string {
  if (typeof source === "string") return source;
  if (source instanceof URL) return source.protocol === "file:" ? decodeURIComponent(source.pathname) : source.href;
  if (isBlob(source)) return "name" in source ? String(source.name) : "the blob";
  if (source instanceof Uint8Array || source instanceof ArrayBuffer) return "the bytes";
  if (typeof source === "object" && source !== null && ("getReader" in source || Symbol.asyncIterator in source)) return "the stream";
  const message = `give a path, a URL, a Uint8Array, an ArrayBuffer, a Blob or a stream of bytes, not ${kindOf(source)}`;
  throw new GatewiseError("invalid_option", "source", message);
}

function isBlob(source: unknown): source is Blob {
  return typeof Blob !== "undefined" && source instanceof Blob;
}

/** Whether this can be read more than once, and any part of it. */
export function isFile(source: unknown): source is FileSource {
  return typeof source === "string" || source instanceof URL || source instanceof Uint8Array || source instanceof ArrayBuffer || isBlob(source);
}

function asBytes(source: unknown): Uint8Array {
  const bytes = source instanceof ArrayBuffer ? new Uint8Array(source) : source;
  if (!(bytes instanceof Uint8Array)) {
    const message =
      "this format is read here and there, not from its beginning to its end: " +
      `give a path, a URL, bytes or a Blob, not ${kindOf(source)}`;
    throw new GatewiseError("invalid_option", "source", message);
  }
  assertUnshared(bytes, "source");
  return bytes;
}

async function accessing<Value>(name: string, access: () => Promise<Value>): Promise<Value> {
  try {
    return await access();
  } catch (cause) {
    if (cause instanceof GatewiseError) throw cause;
    throw new GatewiseError("file_access", "source", `${name} could not be read: ${reason(cause)}`, { cause });
  }
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
