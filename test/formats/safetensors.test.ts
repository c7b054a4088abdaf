// Plain safetensors files: every type, what is written, and files that are cut, damaged or made up. Files of Python's package are
// read in test/formats/state-dict.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { type ErrorCode, GatewiseError } from "gatewise";
import { type StoredTensors, type TensorType, encodeSafetensors, readSafetensors } from "gatewise/formats";
import { afterAll, describe, expect, test } from "vitest";
import * as fc from "fast-check";

import { errorOf as failureOf, expectError, sameBits } from "../facade/support.js";

const folder = mkdtempSync(join(tmpdir(), "gatewise-safetensors-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A file of this header and these bytes. */
function fileOf(header: string | object, data: Uint8Array = new Uint8Array(0), length?: bigint): Uint8Array {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(length ?? BigInt(json.length));
  return new Uint8Array(Buffer.concat([start, json, data]));
}

/** A file of one tensor. */
async function oneTensor(dtype: string, array: ArrayBufferView): Promise<Float32Array | undefined> {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  const length = bytes.length / ({ F64: 8, I64: 8, U64: 8, F32: 4, I32: 4, U32: 4, F16: 2, BF16: 2, I16: 2, U16: 2 }[dtype] ?? 1);
  const { tensors } = await readSafetensors(fileOf({ t: { dtype, shape: [length], data_offsets: [0, bytes.length] } }, bytes));
  expect(tensors.get("t")).toMatchObject({ type: dtype.toLowerCase(), shape: [length] });
  return tensors.get("t")?.read();
}

const small = await encodeSafetensors(
  { "rnn.bias": { shape: [], data: Float32Array.of(3) }, "rnn.weight": { shape: [2, 2], data: Float32Array.of(1, -2, 0.5, Number.NaN) } },
  { format: "pt" },
);

async function contentOf(tensors: StoredTensors): Promise<[string, readonly number[], TensorType, number[]][]> {
  return Promise.all(Array.from(tensors, async ([name, { shape, type, read }]) => [name, shape, type, [...(await read())]] as [string, readonly number[], TensorType, number[]]));
}

describe("types", () => {
  test.each([
    ["F64", Float64Array.of(0.1, -1e300, 2 ** -149), [Math.fround(0.1), -Infinity, 2 ** -149]],
    ["F32", Float32Array.of(0.1, Number.NaN, -0), [Math.fround(0.1), Number.NaN, -0]],
    // 1, -2, the largest, the smallest normal and subnormal ones, ∞, -∞, NaN.
    ["F16", Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x03ff, 0x7c00, 0xfc00, 0x7e00, 0x8000), [1, -2, 65504, 2 ** -14, 2 ** -24, 1023 * 2 ** -24, Infinity, -Infinity, Number.NaN, -0]],
    ["BF16", Uint16Array.of(0x3f80, 0xc000, 0x7f80, 0x0001), [1, -2, Infinity, 2 ** -133]],
    // Rounding to f64 first would go to the even one, 2⁶⁰: the second is just above the middle.
    ["I64", BigInt64Array.of(-5n, 2n ** 60n + 2n ** 36n + 1n, -(2n ** 60n) - 2n ** 36n, -(2n ** 63n)), [-5, 2 ** 60 + 2 ** 37, -(2 ** 60), -(2 ** 63)]],
    ["U64", BigUint64Array.of(7n, 2n ** 64n - 1n), [7, 2 ** 64]],
    ["I32", Int32Array.of(-(2 ** 31), 16_777_217), [-(2 ** 31), 16_777_216]],
    ["U32", Uint32Array.of(2 ** 32 - 1), [2 ** 32]],
    ["I16", Int16Array.of(-32768, 3), [-32768, 3]],
    ["U16", Uint16Array.of(65535), [65535]],
    ["I8", Int8Array.of(-128, 127), [-128, 127]],
    ["U8", Uint8Array.of(255), [255]],
    ["BOOL", Uint8Array.of(0, 1), [0, 1]],
  ] as const)("%s becomes the nearest f32", async (dtype, array, expected) => {
    expect([...((await oneTensor(dtype, array)) ?? [])]).toEqual(expected);
  });

  test("every f16 is its value", async () => {
    const all = Uint16Array.from({ length: 65536 }, (_, half) => half);
    const numbers = (await oneTensor("F16", all)) ?? new Float32Array(0);
    const expected = new Float32Array(65536);
    for (const half of all) {
      const [sign, exponent, fraction] = [half & 0x8000 ? -1 : 1, (half >> 10) & 31, half & 1023];
      const size = exponent === 0 ? fraction * 2 ** -24 : exponent < 31 ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction === 0 ? Infinity : Number.NaN;
      expected[half] = sign * size;
    }
    expect(all.filter((half) => !Object.is(numbers[half], expected[half]))).toEqual(new Uint16Array(0));
  });
});

describe("what is written is read", () => {
  test("names, shapes, numbers and metadata; from bytes, a buffer, a blob, a path and a URL", async () => {
    const path = join(folder, "small.safetensors");
    writeFileSync(path, small);
    for (const source of [small, small.slice().buffer, new Blob([small.slice()]), path, pathToFileURL(path)]) {
      const file = await readSafetensors(source);
      expect(await contentOf(file.tensors)).toEqual([
        ["rnn.bias", [], "f32", [3]],
        ["rnn.weight", [2, 2], "f32", [1, -2, 0.5, Number.NaN]],
      ]);
      expect([...file.metadata]).toEqual([["format", "pt"]]);
      await file.close();
      await file.close();
    }
  });

  test("whatever names and sizes there are", () =>
    fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string().filter((name) => name !== "__metadata__"), fc.float32Array(), { maxKeys: 6 }), fc.dictionary(fc.string(), fc.string()), async (arrays, metadata) => {
        const given = new Map(Object.entries(arrays).map(([name, data]) => [name, { shape: [data.length], data }]));
        const file = await readSafetensors(await encodeSafetensors(given, metadata));
        expect(new Map(file.metadata)).toEqual(new Map(Object.entries(metadata)));
        expect([...file.tensors.keys()].toSorted()).toEqual([...given.keys()].toSorted());
        for (const [name, { data }] of given) expect(sameBits((await file.tensors.get(name)?.read()) ?? new Float32Array(1), data)).toBe(true);
      }),
    ));

  test("numbers that are not as many as their shape says are refused", async () => {
    await expectError(() => encodeSafetensors({ w: { shape: [2, 2], data: new Float32Array(3) } }), "shape_mismatch", "w");
    await expectError(() => encodeSafetensors({ w: { shape: [2], data: [1, 2] as never } }), "invalid_option", "w");
  });
});

const eight = new Uint8Array(8);
const f32 = (begin: number, end: number, shape: unknown = [(end - begin) / 4]) => ({ dtype: "F32", shape, data_offsets: [begin, end] });

/** Fails unless the bytes are refused, with a sentence. */
async function expectInvalid(bytes: Uint8Array): Promise<GatewiseError> {
  const error = await failureOf(() => readSafetensors(bytes));
  expect(error.code).toBe("invalid_file");
  expect(error.message.length).toBeGreaterThan(15);
  return error;
}

describe("files that are no files", () => {
  /** The path is that of the tensor, where it is one that is wrong. */
  const refused: readonly [string, Uint8Array, string?][] = [
    ["nothing", new Uint8Array(0), ""],
    ["seven bytes", new Uint8Array(7), ""],
    ["a header beyond the file", fileOf("{}", eight, 100n), ""],
    ["a header as long as can be said", fileOf("{}", eight, 2n ** 64n - 1n), ""],
    ["a header that is no object", fileOf("[]"), ""],
    ["a header that is no JSON", fileOf("{a}"), ""],
    ["a header that is no UTF-8", fileOf("{}", eight).fill(0xff, 8, 10), ""],
    ["numbers that nobody speaks of", fileOf({}, eight), ""],
    ["tensors beyond the file", fileOf({ a: f32(0, 12) }, eight)],
    ["tensors that overlap", fileOf({ a: f32(0, 8), b: f32(4, 8) }, eight), "b"],
    ["a tensor twice over the same numbers", fileOf({ a: f32(0, 8), b: f32(0, 8) }, eight), "b"],
    ["a gap", fileOf({ a: f32(0, 4), b: f32(8, 12) }, new Uint8Array(12)), "b"],
    ["a tensor that ends before it begins", fileOf({ a: f32(8, 0, []) }, eight), "a"],
    ["a shape of other numbers", fileOf({ a: f32(0, 8, [3]) }, eight), "a"],
    ["a size below 0", fileOf({ a: f32(0, 8, [-2]) }, eight), "a"],
    ["a size that is no whole number", fileOf({ a: f32(0, 8, [0.5, 4]) }, eight), "a"],
    ["sizes whose product is out of bounds", fileOf({ a: f32(0, 8, [2 ** 40, 2 ** 40, 2 ** 40]) }, eight), "a"],
    ["a type that there is not", fileOf({ a: { ...f32(0, 8), dtype: "F8_E4M3" } }, eight), "a"],
    ["a type in small letters", fileOf({ a: { ...f32(0, 8), dtype: "f32" } }, eight), "a"],
    ["a tensor without a type", fileOf({ a: { shape: [2], data_offsets: [0, 8] } }, eight), "a"],
    ["a tensor that is null", fileOf({ a: null }), "a"],
    ["two tensors of one name", fileOf(`{"a":${JSON.stringify(f32(0, 4))},"a":${JSON.stringify(f32(4, 8))}}`, eight)],
    ["metadata that is no text", fileOf({ __metadata__: { version: 1 } }), "__metadata__"],
  ];

  test.each(refused)("%s", async (_, bytes, path) => {
    const { path: found } = await expectInvalid(bytes);
    if (path !== undefined) expect(found).toBe(path);
  });

  test("a file that is not there, and what is no file", async () => {
    await expectError(() => readSafetensors(join(folder, "nothing.safetensors")), "file_access", "source");
    await expectError(() => readSafetensors(7 as never), "invalid_option", "source");
    await expectError(() => readSafetensors(new Uint8Array(new SharedArrayBuffer(8))), "shared_buffer", "source");
  });

  test("a header of which half is depth ends as an error", async () => {
    await expectInvalid(fileOf(`{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`));
  });

  test("cut off at every byte", async () => {
    for (let length = 0; length < small.length; length++) await expectInvalid(small.subarray(0, length));
  });
});

/** What becomes of a file: its content, or the code of an error. Anything else fails. */
async function outcomeOf(bytes: Uint8Array): Promise<ErrorCode | unknown[]> {
  try {
    return await contentOf((await readSafetensors(bytes)).tensors);
  } catch (error) {
    if (!(error instanceof GatewiseError)) throw error;
    return error.code;
  }
}

test("with any bits the other way round: an error with a code, or numbers as the file then says", () =>
  fc.assert(
    fc.asyncProperty(fc.array(fc.nat(8 * small.length - 1), { minLength: 1, maxLength: 4 }), async (bits) => {
      const bytes = small.slice();
      for (const bit of bits) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const outcome = await outcomeOf(bytes);
      if (typeof outcome === "string") expect(outcome).toBe("invalid_file");
      // Whatever is read takes no more room than the file gives it.
      else expect(JSON.stringify(outcome).length).toBeLessThan(40 * small.length);
    }),
    { numRuns: 2000 },
  ));

test("with any bytes after a header's length", () =>
  fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), async (bytes) => {
      expect(await outcomeOf(fileOf(Buffer.from(bytes).toString("latin1")))).toSatisfy((outcome) => outcome === "invalid_file" || Array.isArray(outcome));
    }),
  ));
