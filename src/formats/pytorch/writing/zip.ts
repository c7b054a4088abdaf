// Zip archives in one piece of memory, nothing packed, every entry's bytes at a multiple of 64 as PyTorch's memory mapping wants
// them. By hand: fflate's writer aligns nothing, and reads its input from copies. Knows nothing of PyTorch.

import { GatewiseError } from "../../../errors.js";
import { crc32 } from "../crc32.js";
import { CENTRAL, END, LOCAL } from "../zip-format.js";

/** An entry that writes itself into the archive. */
export interface ZipPart {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Fills `target`, of `size` bytes; `checksums` are those of the parts before. */
  write(target: Uint8Array<ArrayBuffer>, checksums: readonly number[]): void;
}

const ALIGNMENT = 64;
/** The extra field that PyTorch's own writer fills up with: its identifier is "FB". */
const PADDING_FIELD = 0x4246;
const PADDING_BYTE = 0x5a;

/** Names are UTF-8. */
const FLAGS = 0x0800;
/** 1 January 1980, the first day of zip: the same value gives the same bytes. */
const DATE = 0x0021;
const VERSION = 20;

/** Beyond these an archive needs zip64. */
const MOST_BYTES = 0xffffffff;
const MOST_ENTRIES = 0xfffe;

interface Placed {
  readonly part: ZipPart;
  readonly name: Uint8Array;
  readonly header: number;
  /** Of the extra field, at least the four that announce it. */
  readonly padding: number;
}

/** The archive of `parts`, in their order. @throws {GatewiseError} `not_expressible` beyond 4 GB */
export function zipOf(parts: readonly ZipPart[]): Uint8Array<ArrayBuffer> {
  const { placed, end } = place(parts);
  const directoryBytes = placed.reduce((sum, { name }) => sum + CENTRAL.bytes + name.length, 0);
  const size = end + directoryBytes + END.bytes;
  if (size > MOST_BYTES || parts.length > MOST_ENTRIES) {
    const message = `the file would have ${parts.length} entries and ${size} bytes, more than a plain zip archive can: write safetensors`;
    throw new GatewiseError("not_expressible", "value", message);
  }
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  const checksums: number[] = [];
  let at = end;
  for (const { part, name, header, padding } of placed) {
    const start = header + LOCAL.bytes + name.length + padding;
    const target = bytes.subarray(start, start + part.size);
    part.write(target, checksums);
    const crc = crc32(target);
    checksums.push(crc);
    writeLocal(view, { part, name, header, padding }, crc);
    bytes.set(name, header + LOCAL.bytes);
    bytes.fill(PADDING_BYTE, start - padding + 4, start);
    at = writeCentral(bytes, view, at, { part, name, header, crc });
  }
  writeEnd(view, at, { count: parts.length, directoryBytes, start: end });
  return bytes;
}

function place(parts: readonly ZipPart[]): { placed: Placed[]; end: number } {
  const encoder = new TextEncoder();
  let header = 0;
  const placed = parts.map((part): Placed => {
    const name = encoder.encode(part.name);
    const unpadded = header + LOCAL.bytes + name.length + 4;
    const start = Math.ceil(unpadded / ALIGNMENT) * ALIGNMENT;
    const entry = { part, name, header, padding: start - unpadded + 4 };
    header = start + part.size;
    return entry;
  });
  return { placed, end: header };
}

/** The fields that local headers and the directory share, from the flags on. */
function writeCommon(view: DataView, at: number, { part, name, crc }: { part: ZipPart; name: Uint8Array; crc: number }): void {
  view.setUint16(at, VERSION, true);
  view.setUint16(at + 2, FLAGS, true);
  view.setUint16(at + 8, DATE, true);
  view.setUint32(at + 10, crc, true);
  view.setUint32(at + 14, part.size, true);
  view.setUint32(at + 18, part.size, true);
  view.setUint16(at + 22, name.length, true);
}

function writeLocal(view: DataView, { part, name, header, padding }: Placed, crc: number): void {
  view.setUint32(header, LOCAL.signature, true);
  writeCommon(view, header + 4, { part, name, crc });
  view.setUint16(header + 28, padding, true);
  view.setUint16(header + LOCAL.bytes + name.length, PADDING_FIELD, true);
  view.setUint16(header + LOCAL.bytes + name.length + 2, padding - 4, true);
}

/** Gives where the next one goes. */
function writeCentral(bytes: Uint8Array, view: DataView, at: number, entry: { part: ZipPart; name: Uint8Array; header: number; crc: number }): number {
  view.setUint32(at, CENTRAL.signature, true);
  view.setUint16(at + 4, VERSION, true);
  writeCommon(view, at + 6, entry);
  view.setUint32(at + 42, entry.header, true);
  bytes.set(entry.name, at + CENTRAL.bytes);
  return at + CENTRAL.bytes + entry.name.length;
}

function writeEnd(view: DataView, at: number, { count, directoryBytes, start }: { count: number; directoryBytes: number; start: number }): void {
  view.setUint32(at, END.signature, true);
  view.setUint16(at + 8, count, true);
  view.setUint16(at + 10, count, true);
  view.setUint32(at + 12, directoryBytes, true);
  view.setUint32(at + 16, start, true);
}
