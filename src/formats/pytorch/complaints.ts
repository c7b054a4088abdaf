// The errors of PyTorch's files: which file, where in it, and what to do. Every part of the reader throws these alone.

import { GatewiseError } from "../../errors.js";

/** Makes the errors of one file. */
export interface Complaints {
  /** The file as errors call it. */
  readonly file: string;
  /** `invalid_file`: truncated, damaged or not PyTorch's. `at` is a part of the file: `data.pkl`, `data/7`. */
  damaged(message: string, at?: string, cause?: unknown): GatewiseError;
  /** `unsafe_file`: its pickle asks for something that reading tensors does not need. */
  unsafe(message: string, at?: string): GatewiseError;
}

/** The errors of `file`. */
export function complaintsAbout(file: string): Complaints {
  const make = (code: "invalid_file" | "unsafe_file", message: string, at: string | undefined, cause?: unknown) => {
    const [path, place] = at === undefined ? [file, file] : [`${file}:${quoted(at)}`, `${file}, ${quoted(at)}`];
    return new GatewiseError(code, path, `${place}: ${message}`, cause === undefined ? undefined : { cause });
  };
  return {
    file,
    damaged: (message, at, cause) => make("invalid_file", message, at, cause),
    unsafe: (message, at) => make("unsafe_file", message, at),
  };
}

/** A name out of a file, fit to stand in a message: without control characters, and not longer than a line. */
export function quoted(name: string): string {
  const shown = JSON.stringify(name.length > 120 ? `${name.slice(0, 120)}…` : name).slice(1, -1);
  return shown.replaceAll(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, "\uFFFD");
}
