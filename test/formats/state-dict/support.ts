// State dicts of PyTorch's modules (test/vectors/state-dicts/generate.py says what they hold), and what their models have to predict.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import type { Model, OutputDefinition } from "gatewise";
import { type Hints, type StoredTensor, readSafetensors } from "gatewise/formats";

import { randomNumbers } from "../../facade/support.js";
import { type Numbers, readSafetensors as readVectors } from "../../vectors/safetensors.js";

export const VECTORS = fileURLToPath(new URL("../../vectors/state-dicts/modules.safetensors", import.meta.url));

/** A case of the file. */
export interface Case {
  readonly name: string;
  readonly hints: Hints;
  /** That has to be found. */
  readonly map: Readonly<Record<string, string>>;
  /** That has to be found, defaults aside. */
  readonly definition: { readonly input: object; readonly layers: readonly object[]; readonly output: object };
}

const { tensors: numbers, metadata } = readVectors(VECTORS, (type) => type === "F16" || type === "BF16");

/** All cases. */
export const CASES = JSON.parse(metadata["cases"] ?? "[]") as readonly Case[];

/** The case of that name. */
export function caseOf(name: string): Case {
  const found = CASES.find((each) => each.name === name);
  if (!found) throw new Error(`there is no case ${name}`);
  return found;
}

/** The state dict of a case, as a reader gives it. */
export async function stateOf(name: string): Promise<Map<string, StoredTensor>> {
  const prefix = `${name}/state/`;
  const { tensors } = await readSafetensors(new Uint8Array(readFileSync(VECTORS)));
  return new Map([...tensors].filter(([key]) => key.startsWith(prefix)).map(([key, tensor]) => [key.slice(prefix.length), tensor]));
}

/** What a case's model has to predict, and what it does: the largest difference. */
export function errorOf<Out extends OutputDefinition | string>(name: string, model: Pick<Model<Out>, "run">): number {
  const get = (part: string): Numbers | undefined => numbers.get(`${name}/${part}`);
  const expected = get("y")?.data ?? new Float64Array(0);
  const [x, tokens, lengths] = [get("x"), get("tokens"), get("lengths")];
  const y = model.run(
    {
      ...(x && { x: Float32Array.from(x.data) }),
      ...(tokens && { tokens: Uint32Array.from(tokens.data) }),
      ...(lengths && { lengths: Uint32Array.from(lengths.data) }),
    },
    new Float32Array(expected.length),
  );
  return Math.max(...y.map((value, index) => Math.abs(value - (expected[index] ?? Number.NaN))));
}

export type Tensors = Record<string, { shape: number[]; data: Float32Array }>;
type Shapes = Readonly<Record<string, readonly number[]>>;

/** Tensors of these shapes, full of numbers. */
export function tensorsOf(shapes: Shapes): Tensors {
  const random = randomNumbers(3);
  const filled = (shape: readonly number[]) => ({ shape: [...shape], data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, random) });
  return Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, filled(shape)]));
}

/** What one layer of `nn.LSTM` (4 gates), `nn.GRU` (3) or `nn.RNN` (1) over `inputs` numbers has; `end` is `_l0`, `_l1_reverse`, … */
export function recurrent(prefix: string, [gates, inputs, units]: readonly [number, number, number], end = "_l0"): Record<string, number[]> {
  const rows = gates * units;
  return { [`${prefix}weight_ih${end}`]: [rows, inputs], [`${prefix}weight_hh${end}`]: [rows, units], [`${prefix}bias_ih${end}`]: [rows], [`${prefix}bias_hh${end}`]: [rows] };
}
