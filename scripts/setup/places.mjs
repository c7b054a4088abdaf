// Where things are: the project's folder and the cache outside it, which keeps tools, logs and stamps between checkouts.

import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's folder. */
export const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/[/\\]$/, "");

/** The cache: `GATEWISE_CACHE`, else the platform's folder for such things. */
export const cache = process.env["GATEWISE_CACHE"] ?? join(platformCache(), "gatewise");

/** Stamps of this checkout; another checkout has its own. */
export const stamps = join(cache, "stamps", createHash("sha256").update(root).digest("hex").slice(0, 16));

/** What cargo compiles for the long proofs; other flags than the usual would throw away what is in `target`. */
export const proofTargets = join(cache, "targets");

/** Logs of what set-up ran. */
export const logs = join(cache, "logs");

/** @returns {string} */
function platformCache() {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (XDG_CACHE_HOME) return XDG_CACHE_HOME;
  if (process.platform === "darwin") return join(homedir(), "Library", "Caches");
  if (process.platform === "win32") return LOCALAPPDATA ?? join(homedir(), "AppData", "Local");
  return join(homedir(), ".cache");
}
