// The header of a safetensors file, https://huggingface.co/docs/safetensors: JSON that says where each tensor lies. Knows
// nothing of files. Whatever a header says is checked here, before anybody acts on it.

import * as v from "valibot";

import { GatewiseError } from "../errors.js";
import { BYTES } from "./pytorch/numbers.js";
import type { TensorType } from "./tensors.js";

/** A tensor of a file, and where its bytes are in it. */
export interface FileTensor {
  readonly name: string;
  readonly type: TensorType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** What a file says of itself before its numbers. */
export interface FileHeader {
  /** In the order in which they lie in the file. */
  readonly tensors: readonly FileTensor[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** Most bytes of a header, as in the format's own reader. */
export const MOST_HEADER = 100_000_000;

const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Entry = v.strictObject({ dtype: v.string(), shape: v.array(whole), data_offsets: v.tuple([whole, whole]) });
const Metadata = v.record(v.string(), v.string());

/**
 * Reads and checks a header: the tensors are of known types, as long as their shapes say, and cover the rest of the file without
 * a gap or an overlap.
 *
 * @param beginning the 8 bytes that tell the header's length, and the header
 * @param fileLength bytes of the whole file
 * @throws {GatewiseError} `invalid_file`, with the tensor's name as its path
 */
export async function readHeader(beginning: Uint8Array, fileLength: number): Promise<FileHeader> {
  const entries = entriesOf(beginning.subarray(8));
  const metadata = Object.fromEntries(metadataOf(entries.get("__metadata__") ?? {}));
  entries.delete("__metadata__");
  const tensors = Array.from(entries, ([name, entry]) => tensorOf(name, entry, beginning.length)).sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = beginning.length;
  for (const { name, begin, end } of tensors) {
    if (begin !== covered) throw invalid(name, `its numbers begin at byte ${begin}, those before it end at ${covered}: the file is damaged`);
    covered = end;
  }
  if (covered !== fileLength) {
    throw invalid("", `the header speaks of ${covered} bytes, the file holds ${fileLength}: it is truncated or damaged`);
  }
  return { tensors, metadata };
}

/** What a file begins with, padded with spaces so that the numbers after it begin at a multiple of 8. They follow in this order. */
export async function writeHeader(tensors: readonly Pick<FileTensor, "name" | "type" | "shape">[], metadata: FileHeader["metadata"]): Promise<Uint8Array> {
  let end = 0;
  const entries = tensors.map(({ name, type, shape }) => {
    const begin = end;
    end += shape.reduce((product, size) => product * size, BYTES[type]);
    return `${JSON.stringify(name)}:${JSON.stringify({ dtype: type.toUpperCase(), shape, data_offsets: [begin, end] })}`;
  });
  const described = Object.keys(metadata).length > 0 ? [`"__metadata__":${JSON.stringify(metadata)}`] : [];
  const json = new TextEncoder().encode(`{${[...described, ...entries].join(",")}}`);
  const padded = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  new DataView(padded.buffer).setBigUint64(0, BigInt(padded.length - 8), true);
  padded.set(json, 8);
  return padded;
}

function entriesOf(header: Uint8Array): Map<string, unknown> {
  let parsed: unknown;
  const names = new Set<string>();
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(header);
    if (!text.startsWith("{")) throw new SyntaxError("it does not begin with a header");
    parsed = JSON.parse(text);
    for (const name of topLevelNames(text)) {
      if (names.has(name)) throw new SyntaxError(`there are two tensors called ${name}`);
      names.add(name);
    }
  } catch (cause) {
    throw invalid("", `the header is damaged, or this is no safetensors file: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  return new Map([...names].map((name) => [name, (parsed as Record<string, unknown>)[name]]));
}

/** The keys of the outermost object of a text that is JSON, each as often as it stands there: a parser keeps the last alone. */
function topLevelNames(text: string): string[] {
  const names: string[] = [];
  const [marks, colon] = [/["{}[\]]/g, /\s*:/y];
  let depth = 0;
  for (let mark = marks.exec(text); mark; mark = marks.exec(text)) {
    const { 0: token, index } = mark;
    if (token !== '"') depth += token === "{" || token === "[" ? 1 : -1;
    else {
      const end = endOfString(text, index);
      colon.lastIndex = end;
      if (depth === 1 && colon.test(text)) names.push(JSON.parse(text.slice(index, end)) as string);
      marks.lastIndex = end;
    }
  }
  return names;
}

/** Where the string that begins at `start` has ended. */
function endOfString(text: string, start: number): number {
  for (let index = start + 1; ; index++) {
    if (text[index] === "\\") index++;
    else if (text[index] === '"') return index + 1;
  }
}

function metadataOf(value: unknown): [string, string][] {
  const { success, output } = v.safeParse(Metadata, value);
  if (!success) throw invalid("__metadata__", "the metadata must be text under names: the file is damaged");
  return Object.entries(output);
}

function tensorOf(name: string, value: unknown, origin: number): FileTensor {
  const { success, output } = v.safeParse(Entry, value);
  if (!success) throw invalid(name, "the header says nothing sensible of this tensor: the file is damaged");
  const { dtype, shape, data_offsets: [begin, end] } = output;
  const type = dtype.toLowerCase();
  if (!isType(type) || dtype !== dtype.toUpperCase()) throw invalid(name, `its numbers are ${dtype}, which is not read: convert them to F32`);
  // Beyond 2⁵³ a product is rounded, but no file is as long as that.
  const bytes = shape.reduce((product, size) => product * size, BYTES[type]);
  if (end - begin !== bytes) throw invalid(name, `its shape [${shape.join(", ")}] of ${dtype} takes ${bytes} bytes, the header gives it ${end - begin}`);
  return { name, type, shape, begin: origin + begin, end: origin + end };
}

function isType(type: string): type is TensorType {
  return Object.hasOwn(BYTES, type);
}

function invalid(path: string, message: string): GatewiseError {
  return new GatewiseError("invalid_file", path, message);
}
