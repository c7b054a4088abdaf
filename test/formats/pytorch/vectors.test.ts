// Files that PyTorch wrote, against what PyTorch reads in them: every tensor and every plain value.

import { openAsBlob } from "node:fs";

import { GatewiseError } from "gatewise";
import { type PyTorchMap, type PyTorchValue, readPyTorch, withoutWrappers } from "gatewise/formats";
import { describe, expect, test } from "vitest";

import { NAMES, bytesOf, expectedOf, isTensor, leavesOf, pathOf, refused } from "./support.js";

/** A plain value as generate.py writes it. */
function asJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: [...value] };
  if (typeof value === "bigint") return { bigint: String(value) };
  if (typeof value === "number" && !Number.isFinite(value)) return { float: value > 0 ? "inf" : "-inf" };
  return value;
}

function at(value: PyTorchValue | undefined, ...keys: readonly PyTorchValue[]): PyTorchValue | undefined {
  return keys.reduce<PyTorchValue | undefined>((inner, key) => (inner as PyTorchMap).get(key), value);
}

describe.each(NAMES)("%s", (name) => {
  test("holds what PyTorch reads in it", async () => {
    const file = await readPyTorch(pathOf(name));
    const expected = expectedOf(name);
    const leaves = leavesOf(file.value);
    const tensors = leaves.filter(({ value }) => isTensor(value));
    expect(tensors.map(({ path }) => path)).toEqual([...expected.tensors.keys()]);
    for (const { path, value } of tensors) {
      if (!isTensor(value)) continue;
      const { shape, data } = expected.tensors.get(path) ?? { shape: [], data: [] };
      expect({ path, type: value.type, shape: value.shape }).toEqual({ path, type: expected.types[path], shape });
      // `toEqual` tells 0 from -0, and takes NaN for itself.
      expect([path, await value.read()]).toEqual([path, Float32Array.from(data)]);
    }
    const plain = leaves.filter(({ value }) => !isTensor(value)).map(({ path, value }) => [path, asJson(value)]);
    // JSON writes 1.0 and 1 alike, as JavaScript does.
    expect(Object.fromEntries(plain)).toEqual(expected.plain);
    expect(plain).toHaveLength(Object.keys(expected.plain).length);
    await file.close();
  });
});

test("a file is a path, a URL, bytes or a blob", async () => {
  const bytes = bytesOf("shared");
  const sources = [pathOf("shared"), new URL(`file://${pathOf("shared")}`), bytes, bytes.buffer, await openAsBlob(pathOf("shared"))];
  for (const source of sources) {
    const file = await readPyTorch(source);
    const tensor = file.tensors().get("row");
    expect([...((await tensor?.read()) ?? [])]).toEqual([3, 4, 5]);
    await file.close();
  }
});

test("tensors are read when they are asked for, and not after the file is closed", async () => {
  const file = await readPyTorch(pathOf("modules"));
  const tensor = file.tensors().get("head.bias");
  await file.close();
  const error = await refused(tensor?.read() ?? Promise.resolve());
  expect(error.code).toBe("file_access");
});

test("what reads a tensor has it alone", async () => {
  const file = await readPyTorch(bytesOf("shared"));
  const tensor = file.tensors().get("buffer");
  (await tensor?.read())?.fill(9);
  expect([...((await tensor?.read()) ?? [])]).toEqual([1, 1]);
});

describe("a checkpoint", () => {
  test("gives the model's tensors under its usual name", async () => {
    for (const name of ["checkpoint", "checkpoint-legacy"]) {
      const file = await readPyTorch(bytesOf(name));
      expect([...file.tensors().keys()]).toEqual(["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]);
    }
    const file = await readPyTorch(bytesOf("checkpoint"));
    expect(file.stateDicts).toEqual(["", "model"]);
    expect([...file.tensors("").keys()]).toEqual(["rng"]);
    expect([...file.tensors("model").keys()]).toEqual([...file.tensors().keys()]);
  });

  test("gives Adam's state by the parameters' indices", async () => {
    const { optimizer } = await readPyTorch(bytesOf("checkpoint"));
    expect([...(optimizer?.state.keys() ?? [])]).toEqual([0, 1, 2, 3]);
    expect([...(optimizer?.state.get(0)?.keys() ?? [])]).toEqual(["step", "exp_avg", "exp_avg_sq"]);
    const [group] = optimizer?.param_groups ?? [];
    expect(at(group, "params")).toEqual([0, 1, 2, 3]);
    expect([at(group, "lr"), at(group, "betas")]).toEqual([1e-3, [0.9, 0.999]]);
    expect((await readPyTorch(bytesOf("modules"))).optimizer).toBeUndefined();
  });

  test("says which entries hold tensors where it is asked for another", async () => {
    const file = await readPyTorch(bytesOf("checkpoint"));
    const wrong = () => file.tensors("ema");
    expect(wrong).toThrow(GatewiseError);
    expect(wrong).toThrow('the bytes holds tensors at "" (the whole file), "model"; not at "ema": give one of these as path');
    const views = await readPyTorch(bytesOf("plain"));
    expect(() => views.tensors()).toThrow(/holds tensors at "" \(the whole file\); which of them is the model is not clear/);
  });
});

test("one storage under two names is one tensor; a key `__proto__` is a key", async () => {
  const shared = await readPyTorch(bytesOf("shared"));
  expect(at(shared.value, "embedding.weight")).not.toBe(undefined);
  const plain = await readPyTorch(bytesOf("plain"));
  expect(at(plain.value, "__proto__", "polluted")).toBe(1);
  expect(({} as { polluted?: number }).polluted).toBeUndefined();
});

test("tuples are frozen, lists are not", async () => {
  const { value } = await readPyTorch(bytesOf("plain"));
  expect([Object.isFrozen(at(value, "tuple")), Object.isFrozen(at(value, "list"))]).toEqual([true, false]);
});

describe("withoutWrappers", () => {
  const strip = (...names: readonly string[]) => [...withoutWrappers(new Map(names.map((name) => [name, 1]))).keys()];

  test("takes off what wrappers of modules put before every name, in any order", async () => {
    const file = await readPyTorch(bytesOf("wrapped"));
    expect([...withoutWrappers(file.tensors()).keys()]).toEqual(["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]);
    expect(strip("module._orig_mod.module.a", "module._orig_mod.module.b")).toEqual(["a", "b"]);
  });

  test("leaves a module of the model's own that is called so", () => {
    expect(strip("module.a", "head.b")).toEqual(["module.a", "head.b"]);
    expect(strip("encoder.module.a")).toEqual(["encoder.module.a"]);
    expect(strip("module.")).toEqual(["module."]);
  });

  test("takes torch.compile's off where only a part is compiled, unless two names become one", () => {
    expect(strip("encoder._orig_mod.a", "head.b")).toEqual(["encoder.a", "head.b"]);
    expect(strip("_orig_mod.a", "a")).toEqual(["_orig_mod.a", "a"]);
  });
});
