// Options that commands share, and the check that there is no other.

import type { ArgsDef, SubCommandsDef } from "citty";

import type { MachineOptions } from "../backend/open.js";
import { didYouMean } from "../suggest.js";
import { UsageError } from "./failure.js";

/** A command whose arguments are not looked at. */
export type AnyCommand = Awaited<Extract<SubCommandsDef[string], Promise<unknown>>>;

/** What every command takes. */
export const COMMON = {
  json: { type: "boolean", description: "Print one JSON document on stdout; progress goes to stderr", default: false },
} as const satisfies ArgsDef;

/** What every command takes that computes. */
export const MACHINE = {
  backend: { type: "string", description: "auto, native or wasm", valueHint: "NAME" },
  threads: { type: "string", description: "Threads to work with", valueHint: "N" },
} as const satisfies ArgsDef;

/** What every command takes that a configuration tells what to do. */
export const CONFIG = {
  config: { type: "string", description: "The configuration", default: "gatewise.json", valueHint: "FILE" },
  output: { type: "string", description: "The folder for what is written, instead of the configuration's", valueHint: "FOLDER" },
} as const satisfies ArgsDef;

/** @throws {UsageError} for an option that the command has not, one without its value, or a positional too many */
export function assertKnownOptions(args: readonly string[], defined: ArgsDef): void {
  const names = Object.keys(defined).filter((name) => defined[name]?.type !== "positional");
  const places = Object.keys(defined).length - names.length;
  let positionals = 0;
  for (let index = 0; index < args.length; index++) {
    const [name, value] = (args[index] ?? "").split("=", 2) as [string, string?];
    if (!name.startsWith("-")) {
      if (++positionals <= places) continue;
      throw new UsageError(`there is no place for "${name}": the command takes ${places === 0 ? "options alone" : places}`);
    }
    const option = names.find((known) => name === `--${known}`);
    if (option === undefined) {
      const meant = didYouMean(name.replace(/^-+/, ""), names).replace('"', '"--');
      throw new UsageError(`there is no option ${name}${meant || `: there are ${names.map((known) => `--${known}`).join(", ")}`}`);
    }
    if (defined[option]?.type === "boolean") continue;
    const given = value ?? args[++index];
    if (given === undefined || given === "" || given.startsWith("--")) {
      throw new UsageError(`${name} wants a value: ${name} ${defined[option]?.valueHint ?? "VALUE"}`);
    }
  }
}

/** A whole number from 1 on, or nothing where the option was not given. */
export function positiveInteger(option: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(given)) return Number(given);
  throw new UsageError(`--${option} wants a whole number from 1 on, not "${given}"`);
}

/** One of some names, or nothing where the option was not given. */
export function oneOf<Name extends string>(option: string, given: string | undefined, names: readonly Name[]): Name | undefined {
  if (given === undefined) return undefined;
  const found = names.find((name) => name === given);
  if (found !== undefined) return found;
  throw new UsageError(`--${option} is one of ${names.join(", ")}, not "${given}"${didYouMean(given, names)}`);
}

/** What the options say of the machine, over what the configuration does. */
export function machineOf(
  args: { readonly backend?: string | undefined; readonly threads?: string | undefined },
  configured: MachineOptions = {},
): MachineOptions {
  return {
    backend: oneOf("backend", args.backend, ["auto", "native", "wasm"]) ?? configured.backend,
    threads: positiveInteger("threads", args.threads) ?? configured.threads,
  };
}
