// What can be asked of the benchmark.

import { parseArgs } from "node:util";

export interface Options {
  /** Where the rows go as JSON, beside the table. */
  readonly json: string | undefined;
  /** Under two minutes in all: fewer shapes, fewer runs. */
  readonly quick: boolean;
  /** Nobody, only what npm installs, or Python's too. */
  readonly peers: "none" | "js" | "all";
  /** Only rows with this many threads; both where undefined. */
  readonly threads: 1 | 2 | undefined;
  /** Part of a suite's, a shape's or a peer's name. */
  readonly only: string | undefined;
  /** Write the generated section of docs/performance.md. */
  readonly writeDocs: boolean;
}

export const HELP = `npm run bench -- [options]: the engine against every peer on the same shapes, in turn

  --json FILE         write { machine, rows } there as well
  --quick             a few shapes and runs: under two minutes
  --peers none|js|all the peers to compare with: nobody, those of npm, Python's too (all unless given)
  --threads 1|2       only comparisons with this many threads
  --only NAME         only what has NAME in the suite, the shape or the peer, such as "wasm", "64,28,28,128", "opacus"
  --write-docs        write the result into docs/performance.md
  --help              this

Peers are installed when they are first needed, outside the checkout; what and how large is said before.
GATEWISE_PYTHON=/path/to/python uses that interpreter, which has torch, opacus, numpy and safetensors, instead.`;

/** Something about the command line that its author can put right. */
export class WrongOption extends Error {
  override readonly name = "WrongOption";
}

/** The options in the arguments; undefined if help is asked for. */
export function parseOptions(args: readonly string[]): Options | undefined {
  const values = parse(args);
  if (values.help) return undefined;
  const threads = choice("--threads", values.threads, ["1", "2"]);
  return {
    json: values.json,
    quick: values.quick ?? false,
    peers: choice("--peers", values.peers, ["none", "js", "all"]) ?? "all",
    threads: threads === undefined ? undefined : threads === "1" ? 1 : 2,
    only: values.only,
    writeDocs: values["write-docs"] ?? false,
  };
}

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        json: { type: "string" },
        quick: { type: "boolean" },
        peers: { type: "string" },
        threads: { type: "string" },
        only: { type: "string" },
        "write-docs": { type: "boolean" },
        help: { type: "boolean" },
      },
    });
    return values;
  } catch (error) {
    // Node's own sentence says which option it is.
    throw new WrongOption(error instanceof Error ? error.message : String(error));
  }
}

function choice<const Value extends string>(option: string, given: string | undefined, allowed: readonly Value[]): Value | undefined {
  if (given === undefined) return undefined;
  const found = allowed.find((value) => value === given);
  if (!found) throw new WrongOption(`${option} is ${allowed.join(", ").replace(/, (\w+)$/, " or $1")}, not "${given}"`);
  return found;
}

/** Whether `--only` wants a row; a suite asks with no peer for what has none. */
export function isWanted(only: string | undefined, names: readonly (string | null)[]): boolean {
  return only === undefined || names.some((name) => name?.includes(only));
}
