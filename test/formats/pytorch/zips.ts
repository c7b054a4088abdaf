// Builds zip archives for tests, right ones and wrong ones: every field can be other than it should be.

import { crc32 } from "node:zlib";

export interface TestEntry {
  readonly name: string;
  /** As it stands in the archive. */
  readonly data: Uint8Array;
  readonly method?: number;
  readonly flags?: number;
  /** In both headers, where they differ from what `data` says. */
  readonly size?: number;
  readonly packed?: number;
  readonly crc?: number;
  /** In the entry's own header alone. */
  readonly local?: { readonly name?: string; readonly size?: number; readonly method?: number; readonly extra?: number };
  /** Where the directory says that the entry begins. */
  readonly header?: number;
}

export interface TestArchive {
  readonly comment?: Uint8Array;
  readonly count?: number;
  /** Between the directory and the end record. */
  readonly gap?: Uint8Array;
  /** Sizes and offsets in zip64 records, as torch.save has them. */
  readonly zip64?: boolean;
}

function fields(widths: string, ...values: readonly number[]): Buffer {
  return Buffer.concat(
    values.map((value, index) => {
      const width = Number(widths[index]);
      const bytes = Buffer.alloc(width);
      if (width === 8) bytes.writeBigUInt64LE(BigInt(value));
      else bytes.writeUIntLE(value, 0, width);
      return bytes;
    }),
  );
}

export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** The archive. Checksums are right unless they are given. */
export function zip(entries: readonly TestEntry[], { comment = new Uint8Array(0), count = entries.length, gap, zip64 = false }: TestArchive = {}): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const { name, data, method = 0, flags = 0, size = data.length, packed = data.length, crc = crc32(data), local = {}, header = at } of entries) {
    const localName = text(local.name ?? name);
    parts.push(fields("42222244422", 0x04034b50, 20, flags, local.method ?? method, 0, 33, crc, packed, local.size ?? size, localName.length, local.extra ?? 0), localName, data);
    const [sizes, extra] = zip64 ? [[0xffffffff, 0xffffffff], fields("22888", 1, 24, size, packed, header)] : [[packed, size], Buffer.alloc(0)];
    const [packedField = 0, sizeField = 0] = sizes;
    const encoded = text(name);
    directory.push(
      fields("42222224442222244", 0x02014b50, 20, 20, flags, method, 0, 33, crc, packedField, sizeField, encoded.length, extra.length, 0, 0, 0, 0, zip64 ? 0xffffffff : header),
      encoded,
      extra,
    );
    at += 30 + localName.length + data.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end64 = zip64 ? [fields("48224488884848".slice(0, 10), 0x06064b50, 44, 45, 45, 0, 0, count, count, size, at), fields("4484", 0x07064b50, 0, at + size, 1)] : [];
  const end = fields("42222442", 0x06054b50, 0, 0, Math.min(count, 0xffff), Math.min(count, 0xffff), zip64 ? 0xffffffff : size, zip64 ? 0xffffffff : at, comment.length);
  return new Uint8Array(Buffer.concat([...parts, ...directory, gap ?? new Uint8Array(0), ...end64, end, comment]));
}

const U8 = (value: string) => Uint8Array.from(value, (char) => char.charCodeAt(0));

/** The bytes of a pickle, a character each. */
export function pickle(...parts: readonly (string | Uint8Array)[]): Uint8Array {
  return new Uint8Array(Buffer.concat(["\x80\x02", ...parts, "."].map((part) => (typeof part === "string" ? U8(part) : part))));
}

/** A file of torch.save with this pickle and one storage of four f32, and what else is given. */
export function torchFile(data: Uint8Array, entries: readonly TestEntry[] = [], archive?: TestArchive): Uint8Array<ArrayBuffer> {
  const storage = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);
  return zip([{ name: "archive/data.pkl", data }, { name: "archive/data/0", data: storage }, ...entries], archive);
}

/** A pickle of one tensor over all of `data/0`. */
export const TENSOR = pickle(
  "}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQ",
  "K\x00K\x04\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtRs",
);
