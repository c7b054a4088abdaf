// One entry of a zip archive: its header is held against the directory, its bytes are read in parts where they are stored as they
// are, and unpacked within the declared size where they are deflated.

import { crc32 } from "./crc32.js";
import type { Ranges } from "./ranges.js";
import { LOCAL } from "./zip-format.js";

/** An entry as the directory has it. */
export interface EntryRecord {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  /** Bytes in the file. */
  readonly packed: number;
  /** Bytes unpacked. */
  readonly size: number;
  /** The first byte of its header. */
  readonly header: number;
}

const ENCRYPTED = 0x2041;
/** Its sizes follow its bytes, and its header may have none. */
const SIZES_FOLLOW = 0x0008;
const IN_ZIP64 = 0xffffffff;

const STORED = 0;
const DEFLATED = 8;

/** Packed bytes that are unpacked at once: they become at most 1032 times as many. */
const PACKED_CHUNK = 4096;

export class ZipEntry {
  readonly name: string;
  /** Bytes unpacked. */
  readonly size: number;
  /** Bytes in the file. */
  readonly packed: number;
  readonly #file: Ranges;
  readonly #record: EntryRecord;
  /** Where the next entry begins: none of its bytes are beyond. */
  readonly #limit: number;
  /** Whether its checksum counts. */
  readonly #checked: boolean;
  #start: Promise<number> | undefined;
  /** What a deflated entry became: at most a fixed multiple of the file, all entries together. */
  #unpacked: Promise<Uint8Array> | undefined;

  constructor(file: Ranges, record: EntryRecord, { limit, checked }: { limit: number; checked: boolean }) {
    this.name = record.name;
    this.size = record.size;
    this.packed = record.packed;
    this.#file = file;
    this.#record = record;
    this.#limit = limit;
    this.#checked = checked;
  }

  /** All its bytes, checked against their checksum. */
  whole(): Promise<Uint8Array<ArrayBuffer>> {
    return this.read(0, this.size);
  }

  /**
   * Its bytes from `start` to before `end`, which nobody else has. The checksum is that of the whole: what is read in parts of a
   * stored entry is not checked.
   */
  async read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const { name, size, method } = this.#record;
    if (end > size) throw this.#file.complaints.damaged("it ends before what is looked for in it", name);
    this.#start ??= this.#findStart();
    const from = await this.#start;
    if (method === DEFLATED) {
      this.#unpacked ??= this.#unpack(from);
      return (await this.#unpacked).slice(start, end) as Uint8Array<ArrayBuffer>;
    }
    const bytes = await this.#file.read(from + start, from + end, name);
    if (start === 0 && end === size) this.#check(bytes);
    return bytes;
  }

  /** Where its bytes begin, once its own header has said the same as the directory. */
  async #findStart(): Promise<number> {
    const { name, flags, method, crc, packed, size, header } = this.#record;
    const { damaged } = this.#file.complaints;
    if ((flags & ENCRYPTED) !== 0) throw damaged("it is encrypted", name);
    if (method !== STORED && method !== DEFLATED) throw damaged(`it is packed by method ${method} of zip, which torch.load cannot read either`, name);
    if (method === STORED && packed !== size) throw damaged("it is stored in other than its size", name);
    const encoded = new TextEncoder().encode(name);
    const bytes = await this.#file.read(header, header + LOCAL.bytes + encoded.length, name);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const same = (at: number, expected: number) => {
      const found = view.getUint32(at, true);
      return found === expected || ((flags & SIZES_FOLLOW) !== 0 && found === 0) || (at !== 14 && found === IN_ZIP64);
    };
    const agrees =
      view.getUint32(0, true) === LOCAL.signature &&
      view.getUint16(6, true) === flags &&
      view.getUint16(8, true) === method &&
      same(14, crc) &&
      same(18, packed) &&
      same(22, size) &&
      view.getUint16(26, true) === encoded.length &&
      encoded.every((byte, index) => bytes[LOCAL.bytes + index] === byte);
    if (!agrees) throw damaged("its own header says other than the zip directory: the file is damaged or changed", name);
    const start = header + LOCAL.bytes + encoded.length + view.getUint16(28, true);
    if (start + packed > this.#limit) throw damaged("this zip entry overlaps another", name);
    return start;
  }

  async #unpack(from: number): Promise<Uint8Array> {
    const { name, packed, size } = this.#record;
    const { damaged } = this.#file.complaints;
    const bytes = await this.#file.read(from, from + packed, name);
    const { Inflate } = await import("fflate");
    const unpacked = new Uint8Array(size);
    const written = { length: 0 };
    const inflate = new Inflate((chunk) => {
      // What does not fit is counted, and ends it below.
      if (written.length + chunk.length <= size) unpacked.set(chunk, written.length);
      written.length += chunk.length;
    });
    try {
      for (let at = 0; at < packed && written.length <= size; at += PACKED_CHUNK) {
        inflate.push(bytes.subarray(at, at + PACKED_CHUNK), at + PACKED_CHUNK >= packed);
      }
    } catch (cause) {
      throw damaged("what it is packed as is damaged: get the file again", name, cause);
    }
    if (written.length !== size) throw damaged("it unpacks to other than its size", name);
    this.#check(unpacked);
    return unpacked;
  }

  #check(bytes: Uint8Array): void {
    const { name, crc } = this.#record;
    if (this.#checked && crc32(bytes) !== crc) throw this.#file.complaints.damaged("its bytes are not those of its checksum: get the file again", name);
  }
}
