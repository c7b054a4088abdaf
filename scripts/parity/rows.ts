// Vectors through `gatewise/layers`, as rows: what the layers are, and the largest errors.

import type { LayerDefinition, MachineOptions } from "gatewise/layers";

import type { Measured } from "../../test/vectors/measure.js";
import * as onnx from "../../test/vectors/onnx.js";
import * as pytorch from "../../test/vectors/pytorch.js";

export interface Row {
  /** The cell, the units of each layer of the stack, and whether they have both directions: `"lstm 9-5 bidirectional"`. */
  readonly layer: string;
  /**
   * Options that are not as if left out: `"no bias, activation relu"`, and whether masks make it a training step; `"plain"` where
   * there are none.
   */
  readonly option: string;
  /** Who computed what it is compared with, their name for it, and how many cases it is where it is several. */
  readonly vectors: string;
  readonly backend: string;
  readonly isa: string;
  /** The largest error of all states: `max|a − b| / max(1e-3, max|b|)` a tensor. */
  readonly forward: number;
  /** The same of all gradients; null where the vectors have none. */
  readonly gradient: number | null;
  /** What they may not be above. */
  readonly bound: { readonly forward: number; readonly gradient: number };
}

/** Every file of vectors, on one backend and the instruction set that this process has. */
export async function measureAll(options: MachineOptions): Promise<Row[]> {
  const rows: Row[] = [];
  for (const file of pytorch.stackFiles()) {
    const cases: Row[] = [];
    for (const vectors of pytorch.stacksOf(file)) cases.push(await stackRow(vectors, options));
    rows.push(...together(cases));
  }
  for (const name of onnx.onnxNames()) rows.push(await onnxRow(name, options));
  return rows;
}

const PYTORCH_BOUND = { forward: pytorch.STATES_BOUND, gradient: pytorch.GRADIENTS_BOUND };

async function stackRow(vectors: pytorch.StackVectors, options: MachineOptions): Promise<Row> {
  const layers = await pytorch.openStack(vectors, options);
  const forward = largest(pytorch.measureForward(vectors, layers));
  const gradient = largest(pytorch.measureBackward(vectors, layers));
  const { name: backend = "", isa = "" } = layers[0]?.backend ?? {};
  for (const layer of layers) layer.dispose();
  const trains = vectors.definitions.some((_, k) => vectors.masks(k) !== undefined);
  const { file, definitions } = vectors;
  return { ...described(definitions, { file, trains }), vectors: `PyTorch ${file}`, backend, isa, forward, gradient, bound: PYTORCH_BOUND };
}

/** The rows of one file, those of the same layers and options as one: the largest errors. */
export function together(rows: readonly Row[]): Row[] {
  const named = new Map<string, Row[]>();
  for (const row of rows) {
    const name = `${row.layer}: ${row.option}`;
    named.set(name, [...(named.get(name) ?? []), row]);
  }
  return [...named.values()].flatMap((same) => {
    const [first] = same;
    if (!first || same.length === 1) return same;
    const [forward, gradient] = [Math.max(...same.map((row) => row.forward)), Math.max(...same.map((row) => row.gradient ?? 0))];
    return [{ ...first, vectors: `${first.vectors}, ${same.length} cases`, forward, gradient }];
  });
}

async function onnxRow(name: string, options: MachineOptions): Promise<Row> {
  const vectors = new onnx.OnnxCase(name);
  const { measured, backend: { name: backend, isa } } = await vectors.measure(options);
  const forward = largest(measured);
  const bound = { forward: onnx.BOUND, gradient: onnx.BOUND };
  return { ...described([vectors.definition]), vectors: `ONNX ${name}`, backend, isa, forward, gradient: null, bound };
}

/** JSON has no infinity, and what it has instead would pass for 0. */
function largest(measured: readonly Measured[]): number {
  return Math.min(Math.max(...measured.map(({ error }) => error)), Number.MAX_VALUE);
}

/** What the definitions of a stack say, all of them together. The matrix has each case with biases and without: one row. */
export function described(
  definitions: readonly LayerDefinition[],
  { file = "", trains = false }: { readonly file?: string; readonly trains?: boolean } = {},
): Pick<Row, "layer" | "option"> {
  const units = definitions.map(({ units }) => units).join("-");
  const ways = definitions.some(({ bidirectional }) => bidirectional) ? " bidirectional" : "";
  const all = definitions.flatMap(optionsOf).filter((option) => !(file.startsWith("matrix") && option === "no bias"));
  const options = new Set([...all, ...(trains ? ["in training"] : [])]);
  const cells = [...new Set(definitions.map(({ cell }) => cell))].join("+");
  return { layer: `${cells} ${units}${ways}`, option: [...options].join(", ") || "plain" };
}

function optionsOf({ cell: _cell, units: _units, bidirectional: _bidirectional, ...options }: LayerDefinition): string[] {
  return Object.entries({ bias: true, ...options }).flatMap(([key, value]) => {
    const name = key.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
    if (typeof value === "boolean") return key === "bias" ? (value ? [] : ["no bias"]) : value ? [name] : [];
    if (typeof value === "object") return Object.keys(value).map((part) => `${name} of ${part}`);
    return typeof value === "number" ? [name] : [`${name} ${String(value)}`];
  });
}
