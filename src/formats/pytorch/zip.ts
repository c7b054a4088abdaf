// Zip archives by ranges (APPNOTE.TXT of PKWARE, 4.3): the directory at the file's end, then only the entries that are asked for.
// Strict where lenient readers differ: what two readers could understand in two ways is refused. Knows nothing of PyTorch.

import { quoted } from "./complaints.js";
import { type EntryRecord, ZipEntry } from "./zip-entry.js";
import type { Ranges } from "./ranges.js";
import { CENTRAL, END, END64, LOCAL, LOCATOR } from "./zip-format.js";

const MOST_COMMENT = 0xffff;
/** What stands in 16 and in 32 bits for "see the zip64 field". */
const IN_ZIP64_16 = 0xffff;
const IN_ZIP64 = 0xffffffff;

/** Entries unpacked are at most this many times the file: PyTorch packs nothing, and weights pack to nine tenths. */
const MOST_UNPACKED = 16;

interface Directory {
  readonly start: number;
  readonly end: number;
  readonly count: number;
}

/** The entries of an archive by their names. */
export async function openZip(file: Ranges): Promise<ReadonlyMap<string, ZipEntry>> {
  const directory = await findDirectory(file);
  const bytes = await file.read(directory.start, directory.end, "the zip directory");
  const records = readRecords(bytes, directory, file);
  assertSizes(records, file);
  assertApart(records, directory, file);
  // Where no entry has a checksum, they were not computed: torch.serialization.set_crc32_options(False).
  const checked = records.some(({ crc }) => crc !== 0);
  const sorted = records.toSorted((a, b) => a.header - b.header);
  const limits = new Map(sorted.map((record, index) => [record, sorted[index + 1]?.header ?? directory.start]));
  const entries = new Map<string, ZipEntry>();
  for (const record of records) {
    if (entries.has(record.name)) throw file.complaints.damaged("the zip archive has this entry twice", record.name);
    entries.set(record.name, new ZipEntry(file, record, { limit: limits.get(record) ?? 0, checked }));
  }
  return entries;
}

/** From the end record, and the zip64 one before it where there is one. Their comment ends with the file. */
async function findDirectory(file: Ranges): Promise<Directory> {
  const { damaged } = file.complaints;
  const from = Math.max(0, file.size - END.bytes - MOST_COMMENT);
  const tail = await file.read(from, file.size);
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  let at = tail.length - END.bytes;
  while (at >= 0 && !(view.getUint32(at, true) === END.signature && view.getUint16(at + 20, true) === tail.length - END.bytes - at)) at--;
  if (at < 0) throw damaged("a zip archive begins here and does not end: the file was cut off, get it again");
  if (view.getUint16(at + 4, true) !== 0 || view.getUint16(at + 6, true) !== 0) throw damaged("it is one part of a zip archive in several");
  const end = from + at;
  const plain = { count: view.getUint16(at + 10, true), size: view.getUint32(at + 12, true), start: view.getUint32(at + 16, true) };
  const zip64 = await readEnd64(file, end);
  const { count, size, start } = zip64 ?? plain;
  const wrong = zip64 && (clash(plain.count, count, IN_ZIP64_16) || clash(plain.size, size, IN_ZIP64) || clash(plain.start, start, IN_ZIP64));
  if (wrong) throw damaged("the zip archive has two directories");
  const directory = { start, end: zip64?.record ?? end, count };
  if (start + size !== directory.end) throw damaged("the zip directory is not where the archive says: the file is damaged or changed");
  return directory;
}

function clash(plain: number, large: number, elsewhere: number): boolean {
  return plain !== elsewhere && plain !== large;
}

/** The zip64 end record, which its locator before the end record points to; undefined where there is none. */
async function readEnd64(file: Ranges, end: number): Promise<{ count: number; size: number; start: number; record: number } | undefined> {
  if (end < LOCATOR.bytes + END64.bytes) return undefined;
  const bytes = await file.read(end - LOCATOR.bytes - END64.bytes, end);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(END64.bytes, true) !== LOCATOR.signature) return undefined;
  const record = end - LOCATOR.bytes - END64.bytes;
  const named = Number(view.getBigUint64(END64.bytes + 8, true));
  // Its own size, without the 12 bytes up to there: extensible data, which nobody writes, would make it longer.
  const alone = view.getUint32(0, true) === END64.signature && Number(view.getBigUint64(4, true)) === END64.bytes - 12;
  if (named !== record || !alone) throw file.complaints.damaged("the end of the zip archive is damaged: get the file again");
  const [count, size, start] = [32, 40, 48].map((at) => Number(view.getBigUint64(at, true))) as [number, number, number];
  return { count, size, start, record };
}

function readRecords(bytes: Uint8Array, directory: Directory, file: Ranges): EntryRecord[] {
  const { damaged } = file.complaints;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: EntryRecord[] = [];
  let at = 0;
  while (at < bytes.length) {
    const left = bytes.length - at;
    if (left < CENTRAL.bytes || view.getUint32(at, true) !== CENTRAL.signature) throw damaged("the zip directory is damaged: get the file again");
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((field) => view.getUint16(at + field, true)) as [number, number, number];
    const length = CENTRAL.bytes + nameBytes + extraBytes + commentBytes;
    if (length > left) throw damaged("the zip directory is damaged: get the file again");
    const name = safeName(bytes.subarray(at + CENTRAL.bytes, at + CENTRAL.bytes + nameBytes), file);
    const extra = new DataView(bytes.buffer, bytes.byteOffset + at + CENTRAL.bytes + nameBytes, extraBytes);
    const record = readRecord(view, at, { name, extra });
    if (!record) throw damaged("its sizes in the zip directory are damaged", name);
    records.push(record);
    at += length;
  }
  if (records.length !== directory.count) throw damaged("the zip directory has other than the entries that it counts");
  return records;
}

function readRecord(view: DataView, at: number, { name, extra }: { name: string; extra: DataView }): EntryRecord | undefined {
  const sizes: [number, number, number] = [view.getUint32(at + 24, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)];
  if (sizes.includes(IN_ZIP64) && !fillFromZip64(sizes, extra)) return undefined;
  const [size, packed, header] = sizes;
  return { name, header, size, packed, flags: view.getUint16(at + 8, true), method: view.getUint16(at + 10, true), crc: view.getUint32(at + 16, true) };
}

/** Replaces the sizes that did not fit into 32 bits, in the order in which the zip64 field (4.5.3) has them. */
function fillFromZip64(sizes: [number, number, number], extra: DataView): boolean {
  for (let at = 0; at + 4 <= extra.byteLength; at += 4 + extra.getUint16(at + 2, true)) {
    if (extra.getUint16(at, true) !== 1) continue;
    const end = Math.min(at + 4 + extra.getUint16(at + 2, true), extra.byteLength);
    let from = at + 4;
    for (const [index, size] of sizes.entries()) {
      if (size !== IN_ZIP64) continue;
      if (from + 8 > end) return false;
      sizes[index] = Number(extra.getBigUint64(from, true));
      from += 8;
    }
    return sizes.every(Number.isSafeInteger);
  }
  return false;
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A name that stays inside the archive. Nothing is ever written under it, yet who writes another is up to something. */
function safeName(bytes: Uint8Array, { complaints: { damaged } }: Ranges): string {
  let name: string;
  try {
    name = UTF8.decode(bytes);
  } catch {
    throw damaged("the name of a zip entry is not UTF-8");
  }
  const parts = name.replace(/\/$/, "").split("/");
  const outside = parts.some((part) => part === "" || part === "." || part === "..") || /[\\\0]|^[a-z]:/i.test(name);
  if (outside) throw damaged(`the zip archive has an entry "${quoted(name)}", whose name leads out of it`);
  return name;
}

function assertSizes(records: readonly EntryRecord[], { size: whole, complaints: { damaged } }: Ranges): void {
  const unpacked = records.reduce((sum, { size }) => sum + size, 0);
  if (unpacked <= MOST_UNPACKED * whole) return;
  const message = `it is a zip bomb: a file of ${whole} bytes that unpacks to ${unpacked}, where torch.save packs nothing`;
  throw damaged(message);
}

/** Fails where entries share bytes, with each other or with the directory. */
function assertApart(records: readonly EntryRecord[], { start }: Directory, { complaints: { damaged } }: Ranges): void {
  let end = 0;
  for (const { name, header, packed } of records.toSorted((a, b) => a.header - b.header)) {
    if (header < end) throw damaged("this zip entry overlaps another", name);
    end = header + LOCAL.bytes + new TextEncoder().encode(name).length + packed;
    if (end > start) throw damaged("this zip entry reaches beyond the entries' end", name);
  }
}
