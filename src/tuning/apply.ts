// From a trial's parameters to its definition and options: a parameter's name says where its value goes. Whether what comes
// out is a definition is the core's to judge.

import { GatewiseError } from "../errors.js";
import type { LayerDefinition, ModelDefinition, TrainingOptions } from "../generated/core.js";
import type { Parameters } from "./space.js";

/** What a trial changes, as plain JSON. */
export interface Candidate {
  readonly definition: ModelDefinition;
  readonly options: TrainingOptions;
}

/** The fields that a parameter of their name sets in every layer. `dropout` is one of its own. */
const LAYER_FIELDS: readonly string[] = Object.keys({
  cell: 0,
  units: 0,
  bidirectional: 0,
  merge: 0,
  residual: 0,
  inputNorm: 0,
  inputDropout: 0,
  bias: 0,
  projection: 0,
  peepholes: 0,
  layerNorm: 0,
  coupledGates: 0,
  cellClip: 0,
  gateActivation: 0,
  reset: 0,
  activation: 0,
  recurrentDropout: 0,
  weightDropout: 0,
  zoneout: 0,
} satisfies Record<Exclude<keyof LayerDefinition, "dropout">, 0>);

/** `base` with the parameters in their places, as a copy. The number of layers comes first, whatever the order. */
export function applyParameters(base: Candidate, parameters: Parameters): Candidate {
  const candidate = structuredClone(base) as unknown as Json;
  const { layers, ...others } = parameters;
  if (layers !== undefined) repeatLayers(candidate, layers);
  for (const [name, value] of Object.entries(others)) {
    for (const path of pathsOf(name, layersOf(candidate).length)) place(candidate, path, value, `space.${name}`);
  }
  return candidate as unknown as Candidate;
}

type Json = { [key: string]: unknown };

/** Where a parameter's value goes, in a network of so many layers. */
function pathsOf(name: string, layers: number): string[][] {
  const each = (field: string, first = 0) =>
    Array.from({ length: layers - first }, (_, layer) => ["definition", "layers", String(first + layer), field]);
  if (name === "dropout") return [...each(name, 1), ["definition", "output", name]];
  if (name === "learningRate") return [["options", "optimizer", name]];
  if (name === "seed") return [["definition", name]];
  if (LAYER_FIELDS.includes(name)) return each(name);
  if (/^(definition|options)\./.test(name)) return [name.split(".")];
  return [["options", ...name.split(".")]];
}

function layersOf({ definition }: Json): unknown[] {
  const layers = (definition as { layers?: unknown }).layers;
  return Array.isArray(layers) ? layers : [];
}

function repeatLayers(candidate: Json, count: unknown): void {
  const layers = layersOf(candidate);
  if (typeof count !== "number" || !Number.isInteger(count) || count < 1 || layers.length === 0) {
    throw new GatewiseError("invalid_option", "space.layers", `layers is how many layers the network has, not ${JSON.stringify(count)}`);
  }
  const repeated = Array.from({ length: count }, (_, layer) => structuredClone(layers[layer] ?? layers.at(-1)));
  (candidate["definition"] as Json)["layers"] = repeated;
}

/** Puts `value` at a path, and objects on the way to it that are not there yet. */
function place(root: Json, path: readonly string[], value: unknown, at: string): void {
  let parent: Json = root;
  for (const key of path.slice(0, -1)) {
    assertInList(parent, key, path, at);
    // An optimiser says which it is; the core's own default is Adam.
    parent[key] ??= key === "optimizer" ? { kind: "adam" } : {};
    const next = parent[key];
    if (typeof next !== "object" || next === null) {
      throw new GatewiseError("invalid_option", at, `${path.join(".")} leads through ${key}, which is ${JSON.stringify(next)}`);
    }
    parent = next as Json;
  }
  const last = path.at(-1) ?? "";
  assertInList(parent, last, path, at);
  const there = parent[last];
  if (last === "learningRate" && path.length === 3 && typeof there === "object" && there !== null) {
    const message = `the learning rate follows a schedule: name the number, as in "options.optimizer.learningRate.${Object.keys(there).at(-1)}"`;
    throw new GatewiseError("invalid_option", at, message);
  }
  parent[last] = structuredClone(value);
}

function assertInList(parent: object, key: string, path: readonly string[], at: string): void {
  if (!Array.isArray(parent) || Number(key) < parent.length) return;
  throw new GatewiseError("invalid_option", at, `${path.join(".")} is beyond the list's ${parent.length} entries, counted from 0`);
}
