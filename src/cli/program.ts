// The commands by their names: finds the one that was asked for, checks its options, runs it, and turns what it throws into an
// exit code. Each command is loaded when it is asked for.

import { stripVTControlCharacters } from "node:util";

import { type ArgsDef, renderUsage, runCommand } from "citty";

import { didYouMean } from "../suggest.js";
import { packageVersion } from "./package.js";
import { type AnyCommand, assertKnownOptions } from "./options.js";
import { EXIT, UsageError, exitCodeOf, tellFailure } from "./failure.js";

const COMMANDS: Readonly<Record<string, { readonly about: string; readonly load: () => Promise<AnyCommand> }>> = {
  train: { about: "Train a model as the configuration says", load: async () => (await import("./commands/train.js")).train },
  evaluate: { about: "Say how well a model does on data with known targets", load: async () => (await import("./commands/evaluate.js")).evaluate },
  predict: { about: "Predict for each sample of a file, as CSV or JSON lines", load: async () => (await import("./commands/predict.js")).predict },
  compare: {
    about: "Compare networks with baselines on the same data, split and seeds",
    load: async () => (await import("./commands/compare.js")).compare,
  },
  tune: { about: "Search for layers, sizes and training options that do best", load: async () => (await import("./commands/tune.js")).tune },
  inspect: { about: "Show what a model file holds", load: async () => (await import("./commands/inspect.js")).inspect },
  convert: { about: "Convert weights from and to PyTorch, safetensors and ONNX", load: async () => (await import("./commands/convert.js")).convert },
  doctor: { about: "Show what runs on this machine, and why", load: async () => (await import("./commands/doctor.js")).doctor },
};

/** Runs the command that the arguments name. @returns the exit code */
export async function runProgram(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  const json = args.includes("--json");
  try {
    if (name === "--version" || name === "-v") return print(await packageVersion());
    if (name === undefined || name === "--help" || name === "-h" || name === "help") return print(overview());
    const command = await commandOf(name);
    if (rest.includes("--help") || rest.includes("-h")) return print(usage(await renderUsage(command, { meta: { name: "gatewise" } })));
    assertKnownOptions(rest, command.args as ArgsDef);
    const { result } = await runCommand(command, { rawArgs: [...rest] });
    return typeof result === "number" ? result : EXIT.fine;
  } catch (error) {
    tellFailure(error, json);
    return exitCodeOf(error);
  }
}

async function commandOf(name: string): Promise<AnyCommand> {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command) return command.load();
  const known = Object.keys(COMMANDS);
  const meant = didYouMean(name, known) || `: there are ${known.join(", ")}`;
  throw new UsageError(name.startsWith("-") ? `name a command first${meant}` : `there is no command "${name}"${meant}`);
}

function overview(): string {
  const lines = Object.entries(COMMANDS).map(([name, { about }]) => `  ${name.padEnd(10)}${about}`);
  return `gatewise COMMAND [OPTIONS]\n\n${lines.join("\n")}\n\ngatewise COMMAND --help tells a command's options; gatewise --version the version.`;
}

/** Colours are for terminals. */
function usage(text: string): string {
  return process.stdout.isTTY ? text : stripVTControlCharacters(text).replaceAll(/ +$/gm, "");
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return EXIT.fine;
}
