// Where the bytes of a file come from: a path, an address, memory, a blob. Knows no format.

import { assertUnshared, kindOf } from "../data/buffers.js";
import { GatewiseError } from "../errors.js";
import { type OpenFile, openBlob, openBytes } from "../file-access.js";
import { currentPlatform } from "../platform.js";

/** A path (in browsers: an address to fetch), or what the file holds. */
export type Source = string | URL | Uint8Array | ArrayBuffer | Blob;

/** Whether `value` is a {@link Source}, and nothing else that a caller may give. */
export function isSource(value: unknown): value is Source {
  const isBytes = value instanceof ArrayBuffer || ArrayBuffer.isView(value);
  return typeof value === "string" || value instanceof URL || isBytes || value instanceof Blob;
}

/**
 * Opens a file of which any part can be read.
 *
 * @throws {GatewiseError} `file_access`; `invalid_option` for what is no source; `shared_buffer`
 */
export async function openSource(source: Source): Promise<OpenFile> {
  if (typeof source === "string" || source instanceof URL) return guarded(await accessing(async () => (await currentPlatform().files()).open(source)));
  if (source instanceof Blob) return guarded(openBlob(source));
  const bytes = source instanceof ArrayBuffer ? new Uint8Array(source) : source;
  if (kindOf(bytes) !== "Uint8Array") {
    const message = `give a path, a URL, a Uint8Array, an ArrayBuffer or a Blob, not ${kindOf(bytes)}`;
    throw new GatewiseError("invalid_option", "source", message);
  }
  assertUnshared(bytes, "source");
  return openBytes(bytes);
}

/** The bytes from `start` to `end`, every one of them. @throws {GatewiseError} `invalid_file` where the file ends earlier */
export async function readExactly(file: OpenFile, start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await file.read(start, end);
  if (bytes.length === end - start) return bytes;
  throw new GatewiseError("invalid_file", "", `the file ends at byte ${start + bytes.length}, where there should be ${end}: it is truncated`);
}

function guarded({ size, read, close }: OpenFile): OpenFile {
  return { size, read: (start, end) => accessing(() => read(start, end)), close };
}

async function accessing<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GatewiseError("file_access", "source", `the file could not be read: ${why}`, { cause });
  }
}
