// Proof against PyTorch itself: what this package writes, `torch.load(weights_only=True)` reads and `load_state_dict` takes, to the
// last bit; and what PyTorch makes of it comes back. Needs a Python with PyTorch. `npm run verify` runs it.
//
//     node --import tsx scripts/interop/pytorch.ts

import { deepStrictEqual } from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type PyTorchInput, type PyTorchTensor, type PyTorchValue, encodePyTorch, exportPyTorch, loadPretrained, optimizerFromPyTorch, readPyTorch } from "../../src/entry/formats-node.js";
import { type Model, type OptimizerState, createModel } from "../../src/entry/node.js";
import { requirePyTorch, runPython } from "./python.mjs";

/** Numbers that f16 and bf16 hold too, so that every dtype comes back as it was. */
const numbers = (count: number) => Float32Array.from({ length: count }, (_, index) => ((index * 37) % 64) / 32 - 1);

/** A tensor of such numbers. */
function tensor(...shape: readonly number[]): PyTorchTensor {
  return { shape, data: numbers(shape.reduce((product, size) => product * size, 1)) };
}

/** The parameters of `nn.LSTM(3, 4, num_layers=2, bidirectional=True)`. */
function lstm(): Record<string, PyTorchTensor> {
  const directions = ["", "_reverse"];
  const layers = [3, 8].flatMap((inputs, layer) => directions.map((direction) => ({ inputs, suffix: `l${layer}${direction}` })));
  return Object.fromEntries(
    layers.flatMap(({ inputs, suffix }) => [
      [`weight_ih_${suffix}`, tensor(16, inputs)],
      [`weight_hh_${suffix}`, tensor(16, 4)],
      [`bias_ih_${suffix}`, tensor(16)],
      [`bias_hh_${suffix}`, tensor(16)],
    ]),
  );
}

const tied = numbers(6);

const ADAM = { kind: "adam", learningRate: 0.01 } as const;

interface Trained {
  readonly model: Model<"a" | "b" | "c">;
  readonly optimizerState: OptimizerState | undefined;
}

/** What is written, by the file's name. */
const FILES: Readonly<Record<string, PyTorchInput>> = {
  lstm: lstm(),
  dtypes: {
    f64: { shape: [2], data: Float64Array.of(Math.PI, -1e300) },
    f32: { shape: [2, 2], data: Float32Array.of(1e-40, -0, Infinity, Number.NaN) },
    f16: { ...tensor(5), type: "f16" },
    bf16: { ...tensor(5), type: "bf16" },
    wide: { ...tensor(3), type: "f64" },
    i64: { shape: [2], data: BigInt64Array.of(-(2n ** 63n), 2n ** 62n + 1n) },
    i32: { shape: [1], data: Int32Array.of(-70_000) },
    i16: { shape: [1], data: Int16Array.of(-300) },
    i8: { shape: [1], data: Int8Array.of(-128) },
    u8: { shape: [1], data: Uint8Array.of(255) },
    bool: { shape: [2], data: Uint8Array.of(0, 1), type: "bool" },
    scalar: { shape: [], data: Float32Array.of(7) },
    empty: { shape: [0, 3], data: new Float32Array(0) },
  },
  checkpoint: {
    epoch: 3,
    rate: 0.1,
    note: "ä☃\n",
    none: null,
    flags: [true, false],
    betas: Object.freeze([0.9, 0.999]),
    integers: [255, 256, 65_535, 65_536, -1, -(2 ** 31), 2 ** 31, 2 ** 53 - 1, -(2n ** 70n)],
    model: { "embedding.weight": { shape: [2, 3], data: tied }, "head.weight": { shape: [2, 3], data: tied } },
    optimizer: { state: new Map([[0, { step: tensor(), exp_avg: tensor(2, 3) }]]), param_groups: [{ lr: 0.1, params: [0] }] },
    nothing: {},
  },
};

/** A value as load_files.py prints it. */
function printed(value: PyTorchInput): unknown {
  if (typeof value === "number" || typeof value === "bigint") return Number.isInteger(Number(value)) ? { int: String(value) } : { float: value };
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return { [Object.isFrozen(value) ? "tuple" : "list"]: (value as readonly PyTorchInput[]).map(printed) };
  if ("data" in value && ArrayBuffer.isView(value.data)) return printedTensor(value as PyTorchTensor);
  const entries = value instanceof Map ? [...(value as ReadonlyMap<string | number, PyTorchInput>)] : Object.entries(value);
  return { dict: entries.map(([key, entry]) => [key, printed(entry)]) };
}

const DTYPES = { f64: "float64", f32: "float32", f16: "float16", bf16: "bfloat16", i64: "int64", i32: "int32", i16: "int16", i8: "int8", u8: "uint8", bool: "bool" };
const OWN = { Float64Array: "f64", Float32Array: "f32", BigInt64Array: "i64", Int32Array: "i32", Int16Array: "i16", Int8Array: "i8", Uint8Array: "u8" } as const;

function printedTensor({ shape, data, type }: PyTorchTensor): unknown {
  const own = OWN[data.constructor.name as keyof typeof OWN];
  return { dtype: DTYPES[type ?? own], shape, numbers: Array.from(data as ArrayLike<number | bigint>, shown) };
}

/** As Python prints it, in a form that both have. */
function shown(value: number | bigint): string {
  if (typeof value === "bigint") return String(value);
  return Number.isNaN(value) ? "nan" : Object.is(value, -0) ? "-0" : value === Infinity ? "inf" : String(value);
}

/** What PyTorch printed, its numbers in the same form. */
function normalised(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normalised);
  if (typeof value !== "object" || value === null) return value;
  if ("numbers" in value && "dtype" in value) {
    const numbers = (value.numbers as readonly string[]).map((number) => (/^(nan|inf|-?\d+)$/.test(number) ? number : shown(Number(number))));
    return { ...value, numbers };
  }
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, normalised(entry)]));
}

/** A model of ours, with an optimiser that has taken steps. */
async function model(): Promise<Trained> {
  const model = await createModel({ input: { features: 3 }, layers: Array.from({ length: 2 }, () => ({ cell: "lstm", units: 4, bidirectional: true }) as const), output: { classes: ["a", "b", "c"] } });
  const data = { x: numbers(4 * 5 * 3), shape: [4, 5, 3] as const, targets: ["a", "b", "c", "a"] as const };
  const { optimizerState } = await model.fit(data, { epochs: 3, batchSize: 2, optimizer: ADAM, keepOptimizerState: true });
  return { model, optimizerState };
}

/** What PyTorch saved again has no record; the file that was written gives the model back. */
async function checkRecorded(folder: string, { model, optimizerState }: Trained): Promise<void> {
  const back = await readPyTorch(join(folder, "recorded-back.pt"));
  deepStrictEqual(back.record, undefined, "a file that PyTorch has written has no record of ours");
  const order = Object.keys(model.parameters());
  const { optimizerState: same } = await optimizerFromPyTorch(back.optimizer, order);
  deepStrictEqual(same, optimizerState, "Adam's state, as PyTorch has loaded and saved it");
  const saved = back.tensors();
  for (const [name, { data }] of Object.entries(await model.stateDict())) deepStrictEqual(await saved.get(name)?.read(), data, name);
  await back.close();
  for (const name of ["recorded", "recorded-checkpoint"]) {
    const again = await loadPretrained(join(folder, `${name}.pt`));
    deepStrictEqual([again.definition, again.parameters()], [model.definition, model.parameters()], name);
    again.dispose();
  }
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "gatewise-interop-"));
  try {
    for (const [name, value] of Object.entries(FILES)) writeFileSync(join(folder, `${name}.pt`), encodePyTorch(value));
    const trained = await model();
    const optimizer = { optimizer: ADAM, optimizerState: trained.optimizerState };
    writeFileSync(join(folder, "recorded.pt"), await exportPyTorch(trained.model));
    writeFileSync(join(folder, "recorded-checkpoint.pt"), await exportPyTorch(trained.model, { optimizer }));
    const printedFiles = runPython(requirePyTorch(), "load_files.py", [folder, ...Object.keys(FILES)]);
    const loaded = JSON.parse(printedFiles) as Record<string, unknown>;
    for (const [name, value] of Object.entries(FILES)) {
      deepStrictEqual(normalised(loaded[name]), printed(value), `${name}.pt`);
      console.log(`${name}.pt: torch.load(weights_only=True) reads what was written`);
    }
    const back = await readPyTorch(join(folder, "back.pt"));
    const state = back.tensors("state");
    for (const [name, { data }] of Object.entries(lstm())) deepStrictEqual(await state.get(name)?.read(), data, name);
    const flags = back.value as ReadonlyMap<PyTorchValue, PyTorchValue>;
    deepStrictEqual([flags.get("shared"), flags.get("mapped")], [true, true], "tied weights share their storage, and files can be mapped");
    console.log("load_state_dict(strict=True) takes it, and its own file comes back the same");
    await back.close();
    await checkRecorded(folder, trained);
    console.log("a model with its record: PyTorch takes weights and optimiser, and does not mind the record");
    trained.model.dispose();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
