// Files as the readers of data see them, whatever holds them: a disk, a server, memory. Knows nothing of formats.

/** A file of which any part can be read. */
export interface OpenFile {
  /** Bytes. */
  readonly size: number;
  /**
   * The bytes from `start` to before `end`: fewer where the file ends earlier. Nobody else has them. With `room` for as many they
   * may lie there or wherever the file has them, and are to be read alone, until `room` is next lent.
   */
  read(start: number, end: number, room?: Uint8Array): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}

/** What a runtime can do with files beside reading them whole. */
export interface FileAccess {
  open(location: string | URL): Promise<OpenFile>;
  /** The same of a file that will be read from its beginning to its end: one on a server is fetched at once. */
  openWhole(location: string | URL): Promise<OpenFile>;
  /** A file from its beginning to its end, in chunks of some size. */
  stream(location: string | URL): AsyncIterable<Uint8Array>;
  /** Unpacks what gzip packed, as it comes. Throws where the data is damaged or ends early. */
  gunzip(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
}

/** The chunks of a web stream: not every browser's streams can be iterated over. */
export async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  let whole = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      yield value;
    }
    whole = true;
  } finally {
    // Whoever stops early wants no more of it: the source may close.
    if (!whole) await reader.cancel().catch(() => undefined);
    reader.releaseLock();
  }
}

async function fetched(location: string | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(location, init);
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${response.statusText}`);
  return response;
}

/** A fetched file from its beginning to its end. */
export async function* streamFetched(location: string | URL): AsyncGenerator<Uint8Array> {
  const { body } = await fetched(location);
  if (body) yield* chunksOf(body);
}

/** A file on a server, read part by part; all at once from a server that gives no parts. */
export async function openFetched(location: string | URL): Promise<OpenFile> {
  const first = await fetched(location, { headers: { Range: "bytes=0-0" } });
  const size = Number(/\/(\d+)$/.exec(first.headers.get("Content-Range") ?? "")?.[1]);
  if (first.status !== 206) return openBlob(await first.blob());
  await first.body?.cancel();
  // A server of another origin that does not let the header be seen.
  if (!Number.isSafeInteger(size)) return openWhollyFetched(location);
  return {
    size,
    async read(start, end) {
      if (start >= Math.min(end, size)) return new Uint8Array(0);
      const part = await fetched(location, { headers: { Range: `bytes=${start}-${Math.min(end, size) - 1}` } });
      if (part.status !== 206) throw new Error(`${part.url}: the server gave the whole file, not the part that was asked for`);
      return new Uint8Array(await part.arrayBuffer());
    },
    close: async () => undefined,
  };
}

/** A file on a server, fetched at once; where it lies meanwhile is the runtime's choice. */
export async function openWhollyFetched(location: string | URL): Promise<OpenFile> {
  return openBlob(await (await fetched(location)).blob());
}

/** A file that a user has chosen in a browser, or any other blob. */
export function openBlob(blob: Blob): OpenFile {
  const read = async (start: number, end: number) => new Uint8Array(await blob.slice(start, end).arrayBuffer());
  return { size: blob.size, read, close: async () => undefined };
}

/** A file in memory. */
export function openBytes(bytes: Uint8Array): OpenFile {
  // Not bytes.slice: a Buffer's gives the same memory.
  const read: OpenFile["read"] = async (start, end, room) => {
    const part = bytes.subarray(start, end);
    return (room ? part : new Uint8Array(part)) as Uint8Array<ArrayBuffer>;
  };
  return { size: bytes.length, read, close: async () => undefined };
}
