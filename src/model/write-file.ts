// A model's bytes to a file, where the runtime has files.

import { GatewiseError } from "../errors.js";
import { currentPlatform } from "../platform.js";

/** @throws {GatewiseError} `file_access` */
export async function writeModelFile(location: string | URL, bytes: Uint8Array): Promise<void> {
  const { writeFile } = currentPlatform();
  if (!writeFile) {
    throw new GatewiseError("file_access", "location", "this runtime writes no files: save() gives the bytes");
  }
  try {
    await writeFile(location, bytes);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GatewiseError("file_access", "location", `the model file could not be written: ${why}`, { cause });
  }
}
