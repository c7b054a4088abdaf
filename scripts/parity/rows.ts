// A file of vectors through `gatewise/layers`, as a row: what the layers are, and the largest errors.

import type { LayerDefinition, MachineOptions } from "gatewise/layers";

import type { Measured } from "../../test/vectors/measure.js";
import * as onnx from "../../test/vectors/onnx.js";
import * as pytorch from "../../test/vectors/pytorch.js";

export interface Row {
  /** The cell, the units of each layer of the stack, and whether they have both directions: `"lstm 9-5 bidirectional"`. */
  readonly layer: string;
  /** Options that are not as if left out: `"no bias, activation relu"`; `"plain"` where there are none. */
  readonly option: string;
  /** Who computed what it is compared with, and their name for it. */
  readonly vectors: string;
  readonly backend: string;
  readonly isa: string;
  /** The largest error of all states: `max|a − b| / max(1e-3, max|b|)` a tensor. */
  readonly forward: number;
  /** The same of all gradients; null where the vectors have none. */
  readonly gradient: number | null;
  /** What neither may be above. */
  readonly bound: number;
}

/** Every file of vectors, on one backend and the instruction set that this process has. */
export async function measureAll(options: MachineOptions): Promise<Row[]> {
  const rows: Row[] = [];
  for (const name of pytorch.stackNames()) rows.push(await stackRow(name, options));
  for (const name of onnx.onnxNames()) rows.push(await onnxRow(name, options));
  return rows;
}

async function stackRow(name: string, options: MachineOptions): Promise<Row> {
  const vectors = new pytorch.StackVectors(name);
  const layers = await pytorch.openStack(vectors, options);
  const forward = largest(pytorch.measureForward(vectors, layers));
  const gradient = largest(pytorch.measureBackward(vectors, layers));
  const { name: backend = "", isa = "" } = layers[0]?.backend ?? {};
  for (const layer of layers) layer.dispose();
  return { ...described(vectors.definitions), vectors: `PyTorch ${name}`, backend, isa, forward, gradient, bound: pytorch.BOUND };
}

async function onnxRow(name: string, options: MachineOptions): Promise<Row> {
  const vectors = new onnx.OnnxCase(name);
  const { measured, backend: { name: backend, isa } } = await vectors.measure(options);
  const forward = largest(measured);
  return { ...described([vectors.definition]), vectors: `ONNX ${name}`, backend, isa, forward, gradient: null, bound: onnx.BOUND };
}

/** JSON has no infinity, and what it has instead would pass for 0. */
function largest(measured: readonly Measured[]): number {
  return Math.min(Math.max(...measured.map(({ error }) => error)), Number.MAX_VALUE);
}

/** What the definitions of a stack say, all of them together. */
export function described(definitions: readonly LayerDefinition[]): Pick<Row, "layer" | "option"> {
  const units = definitions.map(({ units }) => units).join("-");
  const ways = definitions.some(({ bidirectional }) => bidirectional) ? " bidirectional" : "";
  const options = new Set(definitions.flatMap(optionsOf));
  const cells = [...new Set(definitions.map(({ cell }) => cell))].join("+");
  return { layer: `${cells} ${units}${ways}`, option: [...options].join(", ") || "plain" };
}

function optionsOf({ cell: _cell, units: _units, bidirectional: _bidirectional, ...options }: LayerDefinition): string[] {
  return Object.entries({ bias: true, ...options }).flatMap(([key, value]) => {
    const name = key.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
    if (typeof value === "boolean") return key === "bias" ? (value ? [] : ["no bias"]) : value ? [name] : [];
    return typeof value === "number" ? [name] : [`${name} ${String(value)}`];
  });
}
