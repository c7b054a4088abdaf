// Writing a file in Node so that a reader, or a crash, never meets half of it.

import { randomUUID } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";

/** Writes a temporary file beside `location`, flushes it to the disk and renames it over whatever stood there. */
export async function writeFileAtomically(location: string | URL, bytes: Uint8Array): Promise<void> {
  const path = location instanceof URL ? fileURLToPath(location) : location;
  // In the same folder: a rename is atomic only within one file system.
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
