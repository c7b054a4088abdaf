// The folder that a command writes into. Every file is written whole or not at all.

import { mkdir } from "node:fs/promises";
import { join, relative, resolve } from "node:path";

import { writeFileAtomically } from "../entry/atomic-write.js";
import { GatewiseError } from "../errors.js";
import type { Config } from "./config.js";

/** Where results go. */
export interface OutputFolder {
  /** The path of a file in it. */
  path(name: string): string;
  /** Writes text, or an object as JSON. @returns the path, as a person would type it */
  write(name: string, content: string | object): Promise<string>;
}

/** The folder that the option names, else the configuration; it is made if it is not there. */
export async function openOutput(
  option: string | undefined,
  { output = "gatewise-output", folder }: Pick<Config, "output" | "folder">,
): Promise<OutputFolder> {
  const place = option === undefined ? resolve(folder, output) : resolve(option);
  await accessing(place, () => mkdir(place, { recursive: true }));
  return {
    path: (name) => join(place, name),
    async write(name, content) {
      const path = join(place, name);
      const text = typeof content === "string" ? content : `${JSON.stringify(content, null, 2)}\n`;
      await writeText(path, text);
      return typed(path);
    },
  };
}

/** @throws {GatewiseError} `file_access` */
export function writeText(path: string, text: string): Promise<void> {
  return writeBytes(path, new TextEncoder().encode(text));
}

/** @throws {GatewiseError} `file_access` */
export function writeBytes(path: string, bytes: Uint8Array): Promise<void> {
  return accessing(path, () => writeFileAtomically(path, bytes));
}

/** A path as a person would type it. */
export function typed(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith("..") ? path : short;
}

async function accessing<T>(path: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GatewiseError("file_access", typed(path), `this could not be written: ${why}`, { cause });
  }
}
