// The header of a safetensors file, https://huggingface.co/docs/safetensors: JSON that says where each tensor lies. Knows
// nothing of files. Whatever a header says is checked here, before anybody acts on it.

import * as v from "valibot";

import { GatewiseError } from "../errors.js";

/** A tensor's place: bytes from the end of the header. */
export interface HeaderTensor {
  readonly name: string;
  /** As the format writes it: `"F32"`. */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** What a header says, in the order of the numbers in the file. */
export interface Header {
  readonly tensors: readonly HeaderTensor[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** Most bytes of a header, as in the format's own reader. */
export const MOST_HEADER = 100_000_000;

const WIDTHS: Readonly<Record<string, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
};

const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Entry = v.strictObject({ dtype: v.string(), shape: v.array(whole), data_offsets: v.tuple([whole, whole]) });
const Metadata = v.record(v.string(), v.string());

/**
 * Reads and checks a header: the tensors are of known types, as long as their shapes say, and cover the rest of the file without
 * a gap or an overlap.
 *
 * @param header its JSON as bytes
 * @param fileLength bytes of the whole file, of which 8 + the header's come before the tensors
 * @throws {GatewiseError} `invalid_file`, with the tensor's name as its path
 */
export function readHeader(header: Uint8Array, fileLength: number): Header {
  const entries = entriesOf(header);
  const metadata = Object.fromEntries(metadataOf(entries.get("__metadata__") ?? {}));
  entries.delete("__metadata__");
  const tensors = Array.from(entries, ([name, entry]) => tensorOf(name, entry)).sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of tensors) {
    if (begin !== covered) throw invalid(name, `its numbers begin at byte ${begin}, those before it end at ${covered}: the file is damaged`);
    covered = end;
  }
  const length = fileLength - 8 - header.length;
  if (covered !== length) {
    throw invalid("", `the header speaks of ${covered} bytes of numbers, the file holds ${length}: it is truncated or damaged`);
  }
  return { tensors, metadata };
}

/** The JSON of a header as bytes, padded with spaces so that the numbers after it begin at a multiple of 8. */
export function writeHeader({ tensors, metadata }: Header): Uint8Array {
  const entries = tensors.map(({ name, dtype, shape, begin, end }) => `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, end] })}`);
  const described = Object.keys(metadata).length > 0 ? [`"__metadata__":${JSON.stringify(metadata)}`] : [];
  const json = new TextEncoder().encode(`{${[...described, ...entries].join(",")}}`);
  const padded = new Uint8Array(Math.ceil(json.length / 8) * 8).fill(0x20);
  padded.set(json);
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

function tensorOf(name: string, value: unknown): HeaderTensor {
  const { success, output } = v.safeParse(Entry, value);
  if (!success) throw invalid(name, "the header says nothing sensible of this tensor: the file is damaged");
  const { dtype, shape, data_offsets: [begin, end] } = output;
  const width = Object.hasOwn(WIDTHS, dtype) ? WIDTHS[dtype] : undefined;
  if (width === undefined) throw invalid(name, `its numbers are ${dtype}, which is none of ${Object.keys(WIDTHS).join(", ")}`);
  // Beyond 2⁵³ a product is rounded, but no file is as long as that.
  const bytes = shape.reduce((product, size) => product * size, width);
  if (end - begin !== bytes) throw invalid(name, `its shape [${shape.join(", ")}] of ${dtype} takes ${bytes} bytes, the header gives it ${end - begin}`);
  return { name, dtype, shape, begin, end };
}

function invalid(path: string, message: string): GatewiseError {
  return new GatewiseError("invalid_file", path, message);
}
