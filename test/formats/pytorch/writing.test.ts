// Files that this package writes: read back here, and byte for byte what they have to be. scripts/interop/pytorch.ts has PyTorch
// itself read them.

import { GatewiseError } from "gatewise";
import { type PyTorchInput, type PyTorchMap, type StoredTensor, encodePyTorch, readPyTorch } from "gatewise/formats";
import { describe, expect, test } from "vitest";

import { bytesOf, expectedOf, isTensor, leavesOf } from "./support.js";

const WEIGHTS = {
  "rnn.weight_ih_l0": { shape: [4, 2], data: Float32Array.of(0, -0, 1, 2.5, -3, 1e-40, 7e37, Infinity) },
  "rnn.bias_ih_l0": { shape: [4], data: Float32Array.of(1, 2, 3, 4) },
};

async function numbersOf(tensor: StoredTensor | undefined): Promise<number[]> {
  return [...((await tensor?.read()) ?? [])];
}

test("a state dict comes back", async () => {
  const tensors = (await readPyTorch(encodePyTorch(WEIGHTS))).tensors();
  expect([...tensors.keys()]).toEqual(Object.keys(WEIGHTS));
  for (const [name, { shape, data }] of Object.entries(WEIGHTS)) {
    expect([tensors.get(name)?.shape, tensors.get(name)?.type]).toEqual([shape, "f32"]);
    expect(await numbersOf(tensors.get(name))).toEqual([...data]);
  }
});

test("plain values come back in their kinds", async () => {
  const value = {
    none: null, yes: true, no: false, zero: 0, byte: 255, short: 256, word: 65536, negative: -1, large: 2 ** 40, low: -(2 ** 40),
    float: 0.1, minusZero: -0, nan: Number.NaN, huge: 2n ** 70n, lowest: -(2n ** 63n), text: "äöü\n☃", list: [1, [2]], tuple: Object.freeze([1, 2, 3, 4]),
    empty: [], nothing: {}, indices: new Map([[0, "a"], [1, "b"]]),
  } as const satisfies PyTorchInput;
  const read = (await readPyTorch(encodePyTorch(value))).value as PyTorchMap;
  const expected = new Map(Object.entries<unknown>({ ...value, nothing: new Map() }));
  expect(read).toEqual(expected);
  expect(Object.isFrozen(read.get("tuple"))).toBe(true);
});

test("the numbers of PyTorch's own files survive, each in its type", async () => {
  const { tensors, types } = expectedOf("dtypes");
  const written = new Map<string, PyTorchInput>();
  for (const name of ["f32", "f64", "f16", "bf16", "f16.edges", "nan"]) {
    const { shape = [], data = [] } = tensors.get(name) ?? {};
    written.set(name, { shape, data: Float32Array.from(data), type: types[name] as "f16" });
  }
  const back = (await readPyTorch(encodePyTorch(written))).tensors();
  for (const [name] of written) {
    expect([name, back.get(name)?.type, await numbersOf(back.get(name))]).toEqual([name, types[name], [...(tensors.get(name)?.data ?? [])]]);
  }
});

test("every array has its dtype", async () => {
  const bytes = encodePyTorch({
    f64: { shape: [2], data: Float64Array.of(0.5, -1) },
    i64: { shape: [2], data: BigInt64Array.of(-5n, 2n ** 40n) },
    i32: { shape: [1], data: Int32Array.of(-7) },
    i16: { shape: [1], data: Int16Array.of(-300) },
    i8: { shape: [1], data: Int8Array.of(-9) },
    u8: { shape: [1], data: Uint8Array.of(200) },
    bool: { shape: [3], data: Uint8Array.of(0, 1, 7), type: "bool" },
    scalar: { shape: [], data: Float32Array.of(3) },
    empty: { shape: [0, 3], data: new Float32Array(0) },
  });
  const tensors = (await readPyTorch(bytes)).tensors();
  const found = await Promise.all([...tensors].map(async ([name, tensor]) => [name, tensor.type, tensor.shape, await numbersOf(tensor)]));
  expect(found).toEqual([
    ["f64", "f64", [2], [0.5, -1]],
    ["i64", "i64", [2], [-5, 2 ** 40]],
    ["i32", "i32", [1], [-7]],
    ["i16", "i16", [1], [-300]],
    ["i8", "i8", [1], [-9]],
    ["u8", "u8", [1], [200]],
    ["bool", "bool", [3], [0, 1, 1]],
    ["scalar", "f32", [], [3]],
    ["empty", "f32", [0, 3], []],
  ]);
});

describe.each(["f16", "bf16"] as const)("rounding to %s", (type) => {
  test("goes to the nearest, ties to the even one", async () => {
    const exact = allNumbers(type);
    const between: number[] = [];
    const expected: number[] = [];
    for (let index = 0; index + 1 < exact.length; index++) {
      const [low, high] = [exact[index] as number, exact[index + 1] as number];
      const middle = (low + high) / 2;
      if (Math.fround(middle) !== middle) continue;
      between.push(low, middle, nextAfter(middle, -1), nextAfter(middle, 1));
      expected.push(low, index % 2 === 0 ? low : high, low, high);
    }
    expect(between.length).toBeGreaterThan(100_000);
    const data = Float32Array.from([...between, ...between.map((value) => -value)]);
    const back = (await readPyTorch(encodePyTorch({ x: { shape: [data.length], data, type } }))).tensors();
    const numbers = (await back.get("x")?.read()) ?? [];
    const wrong = [...expected, ...expected.map((value) => -value)].findIndex((value, index) => !Object.is(value, numbers[index]));
    expect(wrong).toBe(-1);
  });
});

/** All finite numbers of 16 bits that are not negative, ascending, computed from what their bits mean. */
function allNumbers(type: "f16" | "bf16"): number[] {
  const [exponentBits, fractionBits] = type === "f16" ? [5, 10] : [8, 7];
  const bias = 2 ** (exponentBits - 1) - 1;
  const last = (2 ** exponentBits - 1) * 2 ** fractionBits;
  return Array.from({ length: last }, (_, bits) => {
    const exponent = Math.floor(bits / 2 ** fractionBits);
    const fraction = (bits % 2 ** fractionBits) / 2 ** fractionBits;
    return exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias);
  });
}

/** The f32 beside a positive one. */
function nextAfter(value: number, step: number): number {
  const one = Float32Array.of(value);
  const bits = new Int32Array(one.buffer);
  bits[0] = (bits[0] as number) + step;
  return one[0] as number;
}

test("overflow is infinite, NaN stays NaN", async () => {
  const data = Float32Array.of(65519.99, 65520, -65520, 3.4e38, Number.NaN, Infinity);
  const back = (await readPyTorch(encodePyTorch({ half: { shape: [6], data, type: "f16" }, brain: { shape: [6], data, type: "bf16" } }))).tensors();
  expect(await numbersOf(back.get("half"))).toEqual([65504, Infinity, -Infinity, Infinity, Number.NaN, Infinity]);
  expect(await numbersOf(back.get("brain"))).toEqual([65536, 65536, -65536, Infinity, Number.NaN, Infinity]);
});

test("every NaN stays one, however its bits lie", async () => {
  const data = new Float32Array(Int32Array.of(0x7fffffff, 0x7f800001, -1).buffer);
  for (const type of ["f16", "bf16"] as const) {
    const back = (await readPyTorch(encodePyTorch({ x: { shape: [3], data, type } }))).tensors();
    expect(await numbersOf(back.get("x"))).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  }
});

test("the same value gives the same bytes, with every entry at a multiple of 64", () => {
  const bytes = encodePyTorch(WEIGHTS);
  expect(encodePyTorch({ ...WEIGHTS })).toEqual(bytes);
  const view = new DataView(bytes.buffer);
  const names: string[] = [];
  for (let at = 0; view.getUint32(at, true) === 0x04034b50; ) {
    const [name, extra] = [view.getUint16(at + 26, true), view.getUint16(at + 28, true)];
    names.push(new TextDecoder().decode(bytes.subarray(at + 30, at + 30 + name)));
    const start = at + 30 + name + extra;
    expect(start % 64).toBe(0);
    at = start + view.getUint32(at + 22, true);
  }
  const records = ["data.pkl", "byteorder", "data/0", "data/1", "version", ".data/serialization_id"];
  expect(names).toEqual(records.map((name) => `archive/${name}`));
});

test("tied weights share their storage", async () => {
  const data = new Float32Array(6);
  const once = encodePyTorch({ a: { shape: [2, 3], data } });
  const twice = encodePyTorch({ a: { shape: [2, 3], data }, b: { shape: [3, 2], data } });
  expect(new TextDecoder("latin1").decode(twice)).not.toContain("data/1");
  expect(new TextDecoder("latin1").decode(once)).toContain("data/0");
  expect([...(await readPyTorch(twice)).tensors().keys()]).toEqual(["a", "b"]);
});

test("an array over a part of its buffer is written, and nothing around it", async () => {
  const data = Float32Array.of(9, 1, 2, 9).subarray(1, 3);
  const back = (await readPyTorch(encodePyTorch({ x: { shape: [2], data } }))).tensors();
  expect(await numbersOf(back.get("x"))).toEqual([1, 2]);
});

test("a checkpoint that was read is written and read again", async () => {
  const { value } = await readPyTorch(bytesOf("checkpoint"));
  const replaced = async (part: unknown): Promise<PyTorchInput> => {
    if (part instanceof Map) return new Map(await Promise.all([...part].map(async ([key, entry]) => [key, await replaced(entry)] as const)));
    if (Array.isArray(part)) return Promise.all(part.map(replaced));
    if (isTensor(part)) return { shape: part.shape, data: await part.read() };
    return part as PyTorchInput;
  };
  const again = await readPyTorch(encodePyTorch(await replaced(value)));
  expect(leavesOf(again.value).map(({ path }) => path)).toEqual(leavesOf(value).map(({ path }) => path));
  expect(again.optimizer?.param_groups).toEqual((await readPyTorch(bytesOf("checkpoint"))).optimizer?.param_groups);
});

describe("what cannot be written is refused by its path", () => {
  const cycle: PyTorchInput[] = [];
  cycle.push(cycle);
  test.each<[string, unknown, string, string, RegExp]>([
    ["a shape of other numbers", { w: { shape: [2], data: new Float32Array(3) } }, "shape_mismatch", "value.w", /\[2\] has 2 numbers, its data 3/],
    ["a negative size", { w: { shape: [-1, -3], data: new Float32Array(3) } }, "shape_mismatch", "value.w", /-1, -3/],
    ["a function", { a: [1, () => 1] }, "invalid_option", "value.a[1]", /something else/],
    ["a date", { a: new Date(0) }, "invalid_option", "value.a", /something else/],
    ["undefined", { a: undefined }, "invalid_option", "value.a", /something else/],
    ["what holds itself", { a: cycle }, "invalid_option", `value.a${"[0]".repeat(500)}`, /or holds itself/],
    ["a key that is no name", new Map([[0.5, 1]]), "invalid_option", "value", /0\.5/],
    ["a dtype that the array does not become", { w: { shape: [1], data: Int8Array.of(1), type: "f16" } }, "not_expressible", "value.w", /Int8Array can be written as i8, not as f16/],
    ["an array without a dtype", { w: { shape: [1], data: Uint16Array.of(1) } }, "not_expressible", "value.w", /Uint16Array has no dtype/],
    ["an integer without end", { w: 2n ** 3000n }, "invalid_option", "value.w", /255 bytes/],
  ])("%s", (_, value, code, path, message) => {
    let thrown: unknown;
    try {
      encodePyTorch(value as PyTorchInput);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(GatewiseError);
    expect(thrown).toMatchObject({ code, path });
    expect((thrown as GatewiseError).message).toMatch(message);
  });
});
