// Both bindings are the same small translation: the same classes with the same methods, and little code.

import { readFileSync, readdirSync } from "node:fs";

import { expect, test } from "vitest";

const file = (path: string): URL => new URL(`../../${path}`, import.meta.url);

/** The contract's names, as the package's own declarations have them; the page that people read has to list the same. */
interface Binding {
  readonly Model: { readonly prototype: object };
  readonly Loading: { readonly prototype: object };
  readonly Trainer: { readonly prototype: object };
  readonly Layer: { readonly prototype: object };
  readonly machine: () => string;
  readonly readHeader: (beginning: Uint8Array, fileLength: number) => string;
  readonly writeHeader: (json: string) => Uint8Array;
}

async function bindings(): Promise<readonly [native: Binding, wasm: Binding]> {
  const native = (await import(file("bindings/node/index.js").href)) as Binding;
  const glue = (await import(file("bindings/wasm/pkg/gatewise.js").href)) as {
    instantiate(module: WebAssembly.Module): Binding;
  };
  return [native, glue.instantiate(new WebAssembly.Module(readFileSync(file("bindings/wasm/pkg/gatewise_bg.wasm"))))];
}

/** What a class can do, without what wasm-bindgen adds to every class. */
function methods({ prototype }: { readonly prototype: object }): string[] {
  const added = new Set(["constructor", "free", "__destroy_into_raw"]);
  return Object.getOwnPropertyNames(prototype).filter((name) => !added.has(name)).sort();
}

test("the same classes with the same methods, those that the architecture page lists", async () => {
  const [native, wasm] = await bindings();
  const contract = /```ts\n(.*?)```/s.exec(readFileSync(file("docs/architecture.md"), "utf8"))?.[1] ?? "";
  for (const name of ["Model", "Loading", "Trainer", "Layer"] as const) {
    const listed = new RegExp(`declare class ${name} \\{(.*?)^\\}`, "ms").exec(contract)?.[1] ?? "";
    const names = [...listed.matchAll(/^ {2}(\w+)\(/gm)].map(([, method]) => method ?? "").filter((m) => m !== "constructor");
    expect(methods(native[name])).toEqual(names.sort());
    // Only there can memory be read when nothing can be called any more.
    const inMemory = name === "Model" ? ["weightsPlace"] : [];
    expect(methods(wasm[name])).toEqual([...names, ...inMemory].sort());
  }
  for (const binding of [native, wasm]) {
    expect(JSON.parse(binding.machine())).toMatchObject({ isa: expect.any(String), threads: expect.any(Number) });
  }
});

test("headers of safetensors files are the same on both, and where a tensor lies is told", async () => {
  const given = {
    tensors: [
      { name: "bias", type: "f16", shape: [3] },
      { name: "weight", type: "f32", shape: [2, 3] },
      { name: "__proto__", type: "f32", shape: [] },
    ],
    metadata: { second: "2", first: "1" },
  };
  const [native, wasm] = (await bindings()).map((binding) => {
    const beginning = binding.writeHeader(JSON.stringify(given));
    const size = beginning.length;
    expect(JSON.parse(binding.readHeader(beginning, size + 34))).toEqual({
      tensors: [
        { name: "__proto__", type: "f32", shape: [], begin: size, end: size + 4 },
        { name: "weight", type: "f32", shape: [2, 3], begin: size + 4, end: size + 28 },
        { name: "bias", type: "f16", shape: [3], begin: size + 28, end: size + 34 },
      ],
      metadata: given.metadata,
    });
    expect(() => binding.readHeader(beginning, size + 33)).toThrow('"path":"bias"');
    return Buffer.from(beginning);
  });
  expect(native?.equals(wasm ?? Buffer.alloc(0))).toBe(true);
});

test("neither has more than 200 lines for models, 220 for training, 120 for layers and 60 for files", () => {
  const lines = (path: string): number => readFileSync(file(path), "utf8").split("\n").length;
  for (const binding of ["node", "wasm"]) {
    expect(lines(`bindings/${binding}/src/lib.rs`)).toBeLessThan(200);
    expect(lines(`bindings/${binding}/src/trainer.rs`)).toBeLessThan(220);
    expect(lines(`bindings/${binding}/src/layer.rs`)).toBeLessThan(120);
    expect(lines(`bindings/${binding}/src/loading.rs`)).toBeLessThan(60);
    expect(readdirSync(file(`bindings/${binding}/src`))).toHaveLength(4);
  }
});
