// The demo's command line. Knows nothing of what the options do.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

export interface Options {
  readonly backend: "auto" | "native" | "wasm";
  /** Undefined: the library's choice. */
  readonly threads: number | undefined;
  readonly epochs: number;
  readonly data: string;
  readonly output: string;
  readonly json: boolean;
}

export const USAGE = `Trains an LSTM on real orders and shows how well it tells who will order again.

  npm run demo -- [options]

  --backend NAME   auto (default), native or wasm
  --threads N      threads of the backend; the library's choice if left out
  --epochs N       passes over the training data; 10 if left out
  --data FILE      invoices as CSV, plain or .gz; the committed UCI Online Retail if left out
  --output DIR     where model, picture and history go; examples/orders/output if left out
  --json           end with one line of JSON
  --help           this text
`;

/** The user's mistake, as a sentence. */
export class OptionError extends Error {}

/** @returns "help" where help was asked for. @throws OptionError */
export function readOptions(args: readonly string[]): Options | "help" {
  const values = parse(args);
  if (values.help) return "help";
  const data = values.data ?? fromHere("data/invoices.csv.gz");
  if (!existsSync(data)) throw new OptionError(`--data: there is no file ${data}`);
  return {
    backend: oneOf("--backend", values.backend, ["auto", "native", "wasm"]),
    threads: values.threads === undefined ? undefined : positiveInteger("--threads", values.threads),
    epochs: positiveInteger("--epochs", values.epochs),
    data,
    output: values.output ?? fromHere("output"),
    json: values.json,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        backend: { type: "string", default: "auto" },
        threads: { type: "string" },
        epochs: { type: "string", default: "10" },
        data: { type: "string" },
        output: { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new OptionError(error instanceof Error ? error.message : String(error));
  }
}

function oneOf<Name extends string>(option: string, value: string, names: readonly Name[]): Name {
  const found = names.find((name) => name === value);
  if (found === undefined) throw new OptionError(`${option} must be one of ${names.join(", ")}, not "${value}"`);
  return found;
}

function positiveInteger(option: string, value: string): number {
  if (!/^[1-9]\d{0,5}$/.test(value))
    throw new OptionError(`${option} must be a whole number from 1 on, not "${value}"`);
  return Number(value);
}

function fromHere(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}
