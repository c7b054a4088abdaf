// The trainings that are done, as lines of JSON in a file: a tuning that was killed reads it and goes on. A training is known
// by its definition, its options and its fold, so that a tuning with another budget or space finds what it has in common with
// the last one. The first line knows the data.

import { appendFile, open, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { type ErrorData, GatewiseError } from "../errors.js";
import type { JobEnd } from "./pool.js";
import type { Job, Outcome } from "./protocol.js";

const FORMAT = "gatewise tuning journal 1";

interface Header {
  readonly format: typeof FORMAT;
  /** SHA-256 of the data, the validation data and the folds. */
  readonly data: string;
}

interface Line extends Job {
  readonly outcome?: Outcome;
  readonly error?: ErrorData;
}

/** Failures of the machine and not of the trial: another run may have more luck. */
const PASSING: ReadonlySet<string> = new Set(["out_of_memory", "internal_error", "backend_unavailable"]);

/** What is known of trainings, and the file that it is kept in, if any. */
export class Journal {
  readonly #path: string | undefined;
  readonly #known: Map<string, JobEnd>;

  private constructor(path: string | undefined, known: Map<string, JobEnd>) {
    this.#path = path;
    this.#known = known;
  }

  /**
   * The journal at `location`, begun anew where there is none; without a location, one that is kept nowhere.
   *
   * @param data the digest of what is trained on
   * @throws {GatewiseError} `invalid_file` where the file is no journal or is one of other data; `file_access`
   */
  static async open(location: string | URL | undefined, data: string): Promise<Journal> {
    if (location === undefined) return new Journal(undefined, new Map());
    const path = location instanceof URL ? fileURLToPath(location) : location;
    const text = await guarded(() => readOrNothing(path));
    // What a kill left of a line is written again.
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    const lines = whole.split("\n").slice(0, -1);
    const header: Header = { format: FORMAT, data };
    if (whole === "" && !JSON.stringify(header).startsWith(text)) throw notOurs();
    if (lines.length > 0) assertHeader(lines[0] ?? "", data);
    await guarded(() => truncate(path, Buffer.byteLength(whole)));
    const journal = new Journal(path, known(lines.slice(1)));
    if (lines.length === 0) await journal.#append(header);
    return journal;
  }

  /** How a training went that was done before. */
  find(job: Job): JobEnd | undefined {
    return this.#known.get(keyOf(job));
  }

  /** Keeps how a training went, unless that says nothing of the training itself. */
  async add(job: Job, end: JobEnd): Promise<void> {
    if (end.kind === "stopped" || (end.kind === "failed" && PASSING.has(end.error.code))) return;
    this.#known.set(keyOf(job), end);
    const { definition, options, fold } = job;
    const line = end.kind === "done" ? { outcome: end.outcome } : { error: end.error };
    await this.#append({ definition, options, fold, ...line } satisfies Line);
  }

  /** One line, in one write, that is on the disk when this resolves. */
  async #append(line: object): Promise<void> {
    const path = this.#path;
    if (path !== undefined) await guarded(() => appendFile(path, `${JSON.stringify(line)}\n`, { flush: true }));
  }
}

function known(lines: readonly string[]): Map<string, JobEnd> {
  return new Map(
    lines.map((text, index) => {
      const line = parsed(text) as Line | undefined;
      if (!line?.definition || !(line.outcome ?? line.error)) throw damaged(index + 2);
      const { outcome, error } = line;
      const end: JobEnd = outcome ? { kind: "done", outcome } : { kind: "failed", error: error as ErrorData };
      return [keyOf(line), end];
    }),
  );
}

function keyOf({ definition, options, fold }: Job): string {
  return JSON.stringify([definition, options, fold]);
}

function assertHeader(line: string, data: string): void {
  const header = parsed(line) as Partial<Header> | undefined;
  if (header?.format !== FORMAT) throw notOurs();
  if (header.data === data) return;
  const message = "the journal is of a tuning on other data, validation data or folds: give another path, or delete the file";
  throw new GatewiseError("invalid_file", "journal", message);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function notOurs(): GatewiseError {
  return new GatewiseError("invalid_file", "journal", "this file is no journal of a tuning, and is left as it is: give another path");
}

function damaged(line: number): GatewiseError {
  const message = `line ${line} of the journal is damaged: delete the line, whose trial is then done again, or the file`;
  return new GatewiseError("invalid_file", "journal", message);
}

async function readOrNothing(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return "";
    throw error;
  }
}

async function truncate(path: string, bytes: number): Promise<void> {
  const file = await open(path, "a");
  try {
    await file.truncate(bytes);
  } finally {
    await file.close();
  }
}

async function guarded<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GatewiseError("file_access", "journal", `the journal could not be read or written: ${why}`, { cause });
  }
}
