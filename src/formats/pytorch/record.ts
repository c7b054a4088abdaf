// The record that a model of ours has in a file of PyTorch's, beside the pickle: `NAME/gatewise.json`, which PyTorch does not read
// and does not write again. Checks that it is plain data of the form below; what a definition may say is the core's to judge.

import * as v from "valibot";

import { GatewiseError } from "../../errors.js";
import { fields, validated } from "../../validate.js";
import { type Complaints, quoted } from "./complaints.js";
import type { ZipEntry } from "./zip-entry.js";

/** Its name in the archive's folder. */
export const RECORD = "gatewise.json";
const VERSION = 1;

/** Bytes: pipelines have at most 8 MB (the core says so), thousands of classes some hundred kilobytes. */
const MOST_BYTES = 2 ** 25;
/** Lists and objects in each other; definitions and pipelines need no ten. */
const DEEPEST = 64;

/** What a file says of a model of ours: plain data, frozen, that nobody has held to the tensors yet. `loadPretrained` does. */
export interface PyTorchRecord {
  /** Where it stands, as errors call it: `speakers.pt:archive/gatewise.json`. */
  readonly path: string;
  /** The model's definition, every default filled in. */
  readonly definition: Readonly<Record<string, unknown>>;
  /** The fitted pipeline that the training data came from, where there was one. */
  readonly preprocessing: Readonly<Record<string, unknown>> | undefined;
  /** The name of each tensor in the file, and ours of the same. As `map` it loads the file into a model that there is. */
  readonly map: Readonly<Record<string, string>>;
}

const object = v.looseObject({}, "this must be an object");
const recordSchema = fields({
  version: v.literal(VERSION),
  definition: object,
  preprocessing: v.optional(object),
  map: v.record(v.string(), v.string("this must be the name of a tensor"), "this must be an object of names"),
});

/** What a record says. */
export interface Recorded {
  readonly definition: object;
  readonly preprocessing: object | undefined;
  readonly map: ReadonlyMap<string, string>;
}

/** The record's bytes. @throws {GatewiseError} `not_expressible` where they are more than are read */
export function encodeRecord({ definition, preprocessing, map }: Recorded): Uint8Array {
  const bytes = new TextEncoder().encode(JSON.stringify({ version: VERSION, definition, preprocessing, map: Object.fromEntries(map) }));
  if (bytes.length <= MOST_BYTES) return bytes;
  throw new GatewiseError("not_expressible", "model", `what there is to tell of the model takes ${bytes.length} bytes, of which ${MOST_BYTES} can be written: use fewer classes`);
}

/** Reads and checks a record. @throws {GatewiseError} `invalid_file` with its path */
export async function readRecord(entry: ZipEntry, { file, damaged }: Complaints): Promise<PyTorchRecord> {
  const failure = (message: string, cause?: unknown) => damaged(message, entry.name, cause);
  if (entry.size > MOST_BYTES) throw failure(`this record has ${entry.size} bytes, and at most ${MOST_BYTES} are read`);
  const value = parsed(await entry.whole(), failure);
  const { definition, preprocessing, map } = checked(value, failure);
  return Object.freeze({ path: `${file}:${quoted(entry.name)}`, definition, preprocessing, map });
}

type Failure = (message: string, cause?: unknown) => GatewiseError;

function parsed(bytes: Uint8Array, failure: Failure): unknown {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw failure("this record is no JSON: the file is damaged", cause);
  }
  freeze(value, 0, failure);
  return value;
}

/** Freezes plain data. `__proto__`, which is a key like any other in JSON, would become something else where it is copied. */
function freeze(value: unknown, depth: number, failure: Failure): void {
  if (typeof value !== "object" || value === null) return;
  if (depth > DEEPEST) throw failure(`this record is nested more than ${DEEPEST} deep`);
  if (Object.hasOwn(value, "__proto__")) throw failure("this record has a field __proto__");
  for (const field of Object.values(value)) freeze(field, depth + 1, failure);
  Object.freeze(value);
}

/** The value itself, in the form of a record. */
function checked(value: unknown, failure: Failure): Omit<PyTorchRecord, "path"> {
  const version = typeof value === "object" && value !== null && "version" in value ? value.version : undefined;
  if (typeof version === "number" && version !== VERSION) {
    throw failure(`this record is of version ${version}, this Gatewise reads version ${VERSION}: use the Gatewise that wrote it`);
  }
  try {
    validated(recordSchema, value, "");
  } catch (cause) {
    throw failure(cause instanceof GatewiseError ? quoted(cause.message) : String(cause), cause);
  }
  const { definition, preprocessing, map } = value as Omit<PyTorchRecord, "path">;
  return { definition, preprocessing, map };
}
