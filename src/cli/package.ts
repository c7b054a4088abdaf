// The package that the command belongs to, and the optional ones around it.

import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The manifest's version. */
export async function packageVersion(): Promise<string> {
  return (await manifest(fileURLToPath(new URL("../../package.json", import.meta.url))))?.version ?? "unknown";
}

/** The version of a package that this one would import; null where it is not installed. */
export async function installedVersion(name: string): Promise<string | null> {
  let folder: string;
  try {
    folder = dirname(fileURLToPath(import.meta.resolve(name)));
  } catch {
    return null;
  }
  // Its own manifest has its name: those of folders inside of it, as for CommonJS, have none.
  for (; dirname(folder) !== folder; folder = dirname(folder)) {
    const found = await manifest(join(folder, "package.json"));
    if (found?.name === name) return found.version;
  }
  return null;
}

interface Manifest {
  readonly name: string;
  readonly version: string;
}

async function manifest(path: string): Promise<Manifest | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Manifest;
  } catch {
    return undefined;
  }
}
