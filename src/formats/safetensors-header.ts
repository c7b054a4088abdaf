// The header of a safetensors file, which the core reads, checks and writes on either backend. Knows nothing of files.

import type { Backend } from "../backend/backend.js";
import { openBackend } from "../backend/open.js";
import { fromBinding } from "../errors.js";
import type { FileHeader, FileTensor } from "../generated/core.js";
import { fromJson, toJson } from "../json.js";

/**
 * Reads and checks a header: the tensors are of known types, as long as their shapes say, and cover the rest of the file without
 * a gap or an overlap.
 *
 * @param beginning the 8 bytes that tell the header's length, and the header
 * @param fileLength bytes of the whole file
 * @throws {GatewiseError} `invalid_file`, with the tensor's name as its path
 */
export async function readHeader(beginning: Uint8Array, fileLength: number): Promise<FileHeader> {
  return fromJson<FileHeader>(await calling((backend) => backend.readHeader(beginning, fileLength)));
}

/** What a file begins with; {@link readHeader} of it tells in which order the tensors' bytes follow. */
export function writeHeader(tensors: readonly Pick<FileTensor, "name" | "type" | "shape">[], metadata: FileHeader["metadata"]): Promise<Uint8Array> {
  return calling((backend) => backend.writeHeader(toJson({ tensors, metadata })));
}

async function calling<T>(operation: (backend: Backend) => T): Promise<T> {
  const { backend } = await openBackend({});
  try {
    return operation(backend);
  } catch (thrown) {
    throw fromBinding(thrown);
  }
}
