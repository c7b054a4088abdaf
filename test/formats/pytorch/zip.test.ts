// The zip container: what torch.save writes, what other writers of zip make of it, and what is wrong with an archive.

import { deflateRawSync } from "node:zlib";

import { readPyTorch } from "gatewise/formats";
import { describe, expect, test } from "vitest";

import { bytesOf, refused, textOf } from "./support.js";
import { TENSOR, type TestEntry, pickle, text, torchFile, zip } from "./zips.js";

const NUMBERS = "w: f32 4 1,2,3,4";
const STORAGE = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);

function deflated(name: string, data: Uint8Array): TestEntry {
  const whole = zip([{ name, data }]);
  const crc = new DataView(whole.buffer).getUint32(14, true);
  return { name, data: new Uint8Array(deflateRawSync(data)), method: 8, size: data.length, crc };
}

describe("archives that are right", () => {
  test("of plain and of zip64 records, with a comment, with folders, in a folder of any name", async () => {
    expect(await textOf(torchFile(TENSOR))).toBe(NUMBERS);
    expect(await textOf(torchFile(TENSOR, [], { zip64: true }))).toBe(NUMBERS);
    expect(await textOf(torchFile(TENSOR, [], { comment: text("PK\x05\x06 is how an end begins, and this is a comment") }))).toBe(NUMBERS);
    expect(await textOf(torchFile(TENSOR, [{ name: "archive/", data: new Uint8Array(0) }]))).toBe(NUMBERS);
    expect(await textOf(zip([{ name: "ä ö.2/data.pkl", data: TENSOR }, { name: "ä ö.2/data/0", data: STORAGE }]))).toBe(NUMBERS);
  });

  test("packed by another program", async () => {
    expect(await textOf(zip([deflated("a/data.pkl", TENSOR), deflated("a/data/0", STORAGE), deflated("a/version", text("3\n"))]))).toBe(NUMBERS);
  });

  test("without checksums, as torch.save can write them, whatever the bytes", async () => {
    expect(await textOf(zip([{ name: "a/data.pkl", data: TENSOR, crc: 0 }, { name: "a/data/0", data: STORAGE, crc: 0 }]))).toBe(NUMBERS);
  });

  test("with records that say so", async () => {
    const records = [{ name: "archive/byteorder", data: text("little") }, { name: "archive/version", data: text("10\n") }];
    expect(await textOf(torchFile(TENSOR, records))).toBe(NUMBERS);
  });
});

describe("archives that are wrong", () => {
  const file = (...entries: readonly TestEntry[]) => torchFile(TENSOR, entries);
  const replaced = (entry: Partial<TestEntry>) => zip([{ name: "a/data.pkl", data: TENSOR }, { name: "a/data/0", data: STORAGE, ...entry }]);
  const empty = new Uint8Array(0);
  test.each<[string, Uint8Array, RegExp]>([
    ["a name that leads up", file({ name: "archive/../../x", data: empty }), /"archive\/\.\.\/\.\.\/x", whose name leads out of it/],
    ["an absolute name", file({ name: "/etc/passwd", data: empty }), /leads out of it/],
    ["a name of a drive", file({ name: "C:/x", data: empty }), /leads out of it/],
    ["a name with backslashes", file({ name: "archive\\..\\x", data: empty }), /leads out of it/],
    ["a name with an end inside", file({ name: "archive/data.pkl\0.txt", data: empty }), /leads out of it/],
    ["a name of nothing", file({ name: "", data: empty }), /leads out of it/],
    ["data.pkl twice", file({ name: "archive/data.pkl", data: TENSOR }), /archive\/data\.pkl: the zip archive has this entry twice/],
    ["a storage twice", file({ name: "archive/data/0", data: STORAGE }), /archive\/data\/0: the zip archive has this entry twice/],
    ["data.pkl in two folders", file({ name: "other/data.pkl", data: TENSOR }), /has 2 data\.pkl, in "archive" and elsewhere/],
    ["no data.pkl", zip([{ name: "x/y", data: empty }]), /without the data\.pkl of torch\.save/],
    ["data.pkl in no folder", zip([{ name: "data.pkl", data: TENSOR }]), /without the data\.pkl of torch\.save/],
    ["no entries", zip([]), /without the data\.pkl/],
    ["entries over each other", file({ name: "archive/data/1", data: STORAGE, header: 0 }), /overlaps another/],
    ["an entry in the middle of another", file({ name: "archive/data/1", data: STORAGE, header: 70 }), /overlaps another/],
    ["an entry that reaches into the next", zip([{ name: "a/data.pkl", data: TENSOR, size: TENSOR.length + 40, packed: TENSOR.length + 40 }, { name: "a/data/0", data: STORAGE }]), /overlaps another/],
    ["an entry that reaches into the directory", replaced({ size: 60, packed: 60 }), /reaches beyond the entries' end/],
    ["entries over each other that nobody reads", file({ name: "archive/x", data: STORAGE }, { name: "archive/y", data: STORAGE, header: 260 }), /overlaps another/],
    ["an extra field that moves its bytes into the next", zip([{ name: "a/data/0", data: STORAGE, local: { extra: 8 } }, { name: "a/data.pkl", data: TENSOR }]), /a\/data\/0: this zip entry overlaps another/],
    ["an entry beyond the file", replaced({ header: 0xfffffff0 }), /reaches beyond the entries' end/],
    ["another name in its own header", replaced({ local: { name: "a/data/1" } }), /a\/data\/0: its own header says other/],
    ["a longer name in its own header", replaced({ local: { name: "a/data/00" } }), /its own header says other/],
    ["another size in its own header", replaced({ local: { size: 12 } }), /its own header says other/],
    ["another method in its own header", replaced({ local: { method: 8 } }), /its own header says other/],
    ["a wrong checksum of data.pkl", zip([{ name: "a/data.pkl", data: TENSOR, crc: 1 }]), /a\/data\.pkl: its bytes are not those of its checksum/],
    ["a wrong checksum of a storage", replaced({ crc: 1 }), /a\/data\/0: its bytes are not those of its checksum/],
    ["an encrypted entry", replaced({ flags: 1 }), /encrypted/],
    ["another method", replaced({ method: 12 }), /method 12 of zip/],
    ["stored in other than its size", replaced({ size: 17 }), /stored in other than its size/],
    ["fewer entries than it counts", torchFile(TENSOR, [], { count: 3 }), /other than the entries that it counts/],
    ["more entries than it counts", torchFile(TENSOR, [], { count: 1 }), /other than the entries that it counts/],
    ["bytes between directory and end", torchFile(TENSOR, [], { gap: text("x") }), /not where the archive says/],
    ["numbers with their highest byte first", file({ name: "archive/byteorder", data: text("big") }), /highest byte first/],
    ["no order of bytes", file({ name: "archive/byteorder", data: text("middle") }), /neither little nor big/],
    ["a version to come", file({ name: "archive/version", data: text("11\n") }), /"11\\n", and 1 to 10 are known/],
    ["a version that is none", file({ name: "archive/version", data: text("three") }), /"three"/],
    ["a version without end", file({ name: "archive/version", data: new Uint8Array(1000).fill(0x31) }), /too long/],
    ["TorchScript", file({ name: "archive/constants.pkl", data: pickle("N") }), /TorchScript/],
  ])("%s", async (_, bytes, message) => {
    const error = await refused(bytes);
    expect(error.code).toBe("invalid_file");
    expect(error.message).toMatch(message);
  });
});

describe("zip bombs", () => {
  const zeros = new Uint8Array(4 << 20);

  test("a storage that unpacks to a thousand times its size", async () => {
    const bytes = zip([{ name: "a/data.pkl", data: TENSOR }, deflated("a/data/0", zeros)]);
    expect(bytes.length).toBeLessThan(10_000);
    const error = await refused(bytes);
    expect(error).toMatchObject({ code: "invalid_file", path: "the bytes" });
    expect(error.message).toMatch(/zip bomb: a file of \d+ bytes that unpacks to 41\d+/);
  });

  test("many entries that each stay below the limit", async () => {
    const piece = deflated("x", zeros.subarray(0, 20_000));
    const entries = Array.from({ length: 100 }, (_, index) => ({ ...piece, name: `a/data/${index}` }));
    expect((await refused(zip([{ name: "a/data.pkl", data: TENSOR }, ...entries]))).message).toMatch(/zip bomb/);
  });

  test.each([
    ["more", 16],
    ["less", 64],
  ])("an entry that unpacks to %s than it declares", async (_, size) => {
    const bytes = zip([{ name: "a/data.pkl", data: TENSOR }, { ...deflated("a/data/0", zeros.subarray(0, size === 16 ? zeros.length : 16)), size }]);
    expect((await refused(bytes)).message).toMatch(/a\/data\/0: it unpacks to other than its size/);
  });

  test("what is no deflate at all", async () => {
    const bytes = zip([{ name: "a/data.pkl", data: TENSOR }, { name: "a/data/0", data: new Uint8Array(16).fill(0xff), method: 8, size: 16 }]);
    expect((await refused(bytes)).message).toMatch(/a\/data\/0: what it is packed as is damaged/);
  });
});

test.each([
  ["nothing", new Uint8Array(0), "the file is empty"],
  ["a letter", text("P"), "neither the zip archive nor the older format"],
  ["text", text("hello, world"), "neither the zip archive nor the older format"],
  ["safetensors", text('\x02\0\0\0\0\0\0\0{}'), "neither the zip archive nor the older format"],
  ["the first bytes of a zip archive", text("PK\x03\x04"), "begins here and does not end"],
  ["the oldest format, a tar archive", Uint8Array.from({ length: 512 }, (_, at) => (at >= 257 && at < 262 ? "ustar".charCodeAt(at - 257) : 0)), "tar archive of PyTorch before 0.1.10"],
])("what is no file of PyTorch: %s", async (_, bytes, message) => {
  const error = await refused(bytes);
  expect(error.code).toBe("invalid_file");
  expect(error.message).toContain(message);
});

test("a tensor is read without the rest of the file", async () => {
  const reads: [number, number][] = [];
  const bytes = bytesOf("modules");
  class Watched extends Blob {
    override slice(start?: number, end?: number): Blob {
      reads.push([start ?? 0, end ?? this.size]);
      return super.slice(start, end);
    }
  }
  const file = await readPyTorch(new Watched([bytes]));
  reads.length = 0;
  await file.tensors().get("head.bias")?.read();
  // The entry's header with its name, and three numbers.
  const lengths = reads.map(([start, end]) => end - start);
  expect(lengths).toEqual([30 + "archive/data/29".length, 12]);
});
