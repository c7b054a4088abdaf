// How commands end: exit codes, and what a person reads when something went wrong.

import { GatewiseError } from "../errors.js";

/** The exit codes of every command. */
export const EXIT = {
  /** All went well. */
  fine: 0,
  /** It could not be done: a file, data, training. */
  failed: 1,
  /** What was asked for makes no sense: an option, the configuration, a definition. */
  usage: 2,
  /** Ctrl-C: what was done until then is kept, as the command said. */
  interrupted: 130,
} as const;

/** A command line that cannot be followed. */
export class UsageError extends Error {}

const MISTAKES: ReadonlySet<string> = new Set(["invalid_option", "invalid_definition"]);

export function exitCodeOf(error: unknown): number {
  return error instanceof UsageError || isParsing(error) || (error instanceof GatewiseError && MISTAKES.has(error.code)) ? EXIT.usage : EXIT.failed;
}

/** On stderr for people; with `--json` on stdout too, as the one document. */
export function tellFailure(error: unknown, json: boolean): void {
  const { code, path, message } = described(error);
  process.stderr.write(`gatewise: ${path === "" ? "" : `${path}: `}${message}${code === "usage" ? "" : ` (${code})`}\n`);
  if (json) process.stdout.write(`${JSON.stringify({ error: { code, path, message } }, null, 2)}\n`);
}

function described(error: unknown): { code: string; path: string; message: string } {
  if (error instanceof GatewiseError) {
    const path = inConfiguration(error.path);
    // Some sentences begin with their path.
    const message = withoutPath(error);
    return { code: error.code, path, message };
  }
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof UsageError || isParsing(error)) return { code: "usage", path: "", message };
  return { code: "internal_error", path: "", message: `${message}. Please report this` };
}

function withoutPath({ path, message }: GatewiseError): string {
  if (path === "" || !message.startsWith(path)) return message;
  return message.slice(path.length).replace(/^[:,] /, "").replace(/^ /, "this ");
}

/** Errors of citty's own: an argument that is missing. */
function isParsing(error: unknown): boolean {
  return error instanceof Error && error.name === "CLIError";
}

/** What `fit` calls its options are `training` in a configuration; a pipeline is part of the data. */
function inConfiguration(path: string): string {
  return path
    .replace(/^options\b(?!\.(backend|threads))/, "training")
    .replace(/^options\.(backend|threads)/, "machine.$1")
    .replace(/^pipeline\b/, "data.pipeline");
}
