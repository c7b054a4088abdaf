// PyTorch's vectors of training runs that go on (crates/lstm-core/tests/vectors/optimizer_state.py says what they hold), as an
// optimiser's `state_dict()` and as a model with the weights.

import { type BackendName, type ClassesOutput, type Model, type Optimizer, createModel, loadModel } from "gatewise";
import type { StoredTensor } from "gatewise/formats";

import { readSafetensors } from "../vectors/safetensors.js";

const path = new URL("../../crates/lstm-core/tests/vectors/optimizer-state.safetensors", import.meta.url);
const file = readSafetensors(path.pathname);
const { definition, cases } = JSON.parse(file.metadata["case"] ?? "{}") as {
  definition: { input: { features: number }; layers: { cell: "lstm"; units: number }[]; output: { classes: string[] } };
  cases: { name: string; optimizer: Optimizer; order: string[]; param_groups: Record<string, unknown>[] }[];
};

/** Sixteen sequences, in two batches of eight. */
export const data = {
  x: Float32Array.from(numbers("x").data),
  shape: numbers("x").shape as [number, number, number],
  targets: Array.from(numbers("targets").data, String),
};

/** One run of PyTorch's. */
export interface Case {
  readonly name: string;
  /** What `fit` is to be told. */
  readonly optimizer: Optimizer;
  /** The parameters' names here, in the order in which PyTorch's optimiser was given them. */
  readonly order: readonly string[];
  readonly losses: Float64Array;
  /** `state_dict()` before the ten steps, and after them. */
  readonly before: ReadonlyMap<string, unknown>;
  readonly after: ReadonlyMap<string, unknown>;
}

export const runs: readonly Case[] = cases.map(({ name, optimizer, order, param_groups }) => ({
  name,
  optimizer,
  order,
  losses: numbers(`${name}.losses`).data,
  before: stateDict(`${name}.state.`, param_groups),
  after: stateDict(`${name}.after.state.`, param_groups),
}));

function numbers(name: string): { shape: readonly number[]; data: Float64Array } {
  const tensor = file.tensors.get(name);
  if (!tensor) throw new Error(`there is no ${name}`);
  return tensor;
}

/** As a reader of files gives it: maps, and tensors to be read. */
function stateDict(prefix: string, groups: readonly Record<string, unknown>[]): ReadonlyMap<string, unknown> {
  const state = new Map<number, Map<string, StoredTensor>>();
  for (const [name, { shape, data }] of file.tensors) {
    const [id, slot] = name.startsWith(prefix) ? name.slice(prefix.length).split(".") : [];
    if (id === undefined || slot === undefined) continue;
    const tensor: StoredTensor = { shape, type: "f64", read: async () => Float32Array.from(data) };
    state.set(Number(id), (state.get(Number(id)) ?? new Map<string, StoredTensor>()).set(slot, tensor));
  }
  const param_groups = groups.map((group) => new Map(Object.entries(group)));
  return new Map<string, unknown>([
    ["state", state],
    ["param_groups", param_groups],
  ]);
}

/** The model with PyTorch's weights after its twenty steps, or after the next ten. */
export async function modelOf({ name }: Case, backend: BackendName, at: "before" | "after" = "before"): Promise<Model<ClassesOutput<string>>> {
  using drawn = await createModel(definition, { backend });
  const bytes = await drawn.save();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = 8 + Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start))) as Record<string, { data_offsets: [number, number] }>;
  for (const parameter of Object.keys(drawn.parameters())) {
    const weights = numbers(`${name}.${at === "after" ? "after." : ""}weight.${parameter}`).data;
    const from = start + (header[parameter]?.data_offsets[0] ?? Number.NaN);
    weights.forEach((weight, index) => view.setFloat32(from + 4 * index, weight, true));
  }
  return loadModel(bytes, { backend }) as Promise<Model<ClassesOutput<string>>>;
}
