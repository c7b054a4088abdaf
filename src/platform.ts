// What the facade needs from the runtime around it. The entry points provide it; nothing else knows which runtime it is.

import type { BackendSource } from "./backend/backend.js";
import type { FileAccess } from "./file-access.js";
import type { Display, DisplayOrder } from "./training/display.js";

/** The runtime: its backends and its files. */
export interface Platform {
  /** The fastest first. */
  readonly backends: readonly BackendSource[];
  /** Reads a whole file (Node) or fetches it (browsers). */
  readFile(location: string | URL): Promise<Uint8Array>;
  /** Files in parts, for the readers of data: loaded when one of them is first used. */
  files(): Promise<FileAccess>;
  /** Writes a whole file or leaves what was there; undefined where there is no file system. */
  readonly writeFile?: (location: string | URL, bytes: Uint8Array) => Promise<void>;
  /** Shows how training goes; undefined where there is no terminal. */
  readonly openDisplay?: (order: DisplayOrder) => Promise<Display>;
}

let provided: Platform | undefined;

/** Called by every entry point. The first one counts: in browsers all of them share this module. */
export function providePlatform(platform: Platform): void {
  provided ??= platform;
}

/** The runtime that the entry point provided. */
export function currentPlatform(): Platform {
  if (!provided) throw new Error("Gatewise was not imported through its entry point: import \"gatewise\" or \"gatewise/layers\"");
  return provided;
}
