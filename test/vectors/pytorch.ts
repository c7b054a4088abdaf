// PyTorch's vectors (crates/lstm-core/tests/vectors/generate.py says what they hold) through `gatewise/layers`: stacks of
// layers, chained by hand, forward and backward.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { type Layer, type LayerDefinition, type LayerGradients, type LayerMasks, type LayerStates, type MachineOptions, createLayer } from "gatewise/layers";

import { type Measured, errorOf } from "./measure.js";
import { type Numbers, readSafetensors } from "./safetensors.js";

const FOLDER = fileURLToPath(new URL("../../crates/lstm-core/tests/vectors/", import.meta.url));

/** f32 against float64, of states: as in crates/lstm-core/tests/pytorch.rs, which says why. */
export const STATES_BOUND = 2e-6;

/** The same of gradients. */
export const GRADIENTS_BOUND = 5e-6;

/** What the metadata of a file of many says of one of its cases. */
interface Case {
  readonly name: string;
  readonly prefixes: readonly string[];
  readonly layers: readonly LayerDefinition[];
}

/** The names of all files that hold stacks of layers; the others hold whole models, and what trains them. */
export function stackFiles(): string[] {
  const names = readdirSync(FOLDER).filter((file) => file.endsWith(".safetensors"));
  return names.map((file) => file.replace(".safetensors", "")).filter((name) => !/^(model|output|carried|input|optimizers?|schedules)\b/.test(name)).toSorted();
}

/** The stacks of one file: itself, or its cases, which may share tensors. */
export function stacksOf(name: string): StackVectors[] {
  const { metadata, tensors } = readSafetensors(join(FOLDER, `${name}.safetensors`));
  const { cases } = JSON.parse(metadata["case"] ?? "{}") as { cases?: readonly Case[] };
  if (!cases) return [new StackVectors(name, undefined, tensors)];
  return cases.map(({ name: of, prefixes, layers }) => {
    const under = (prefix: string) =>
      [...tensors].filter(([tensor]) => tensor.startsWith(prefix)).map(([tensor, values]) => [tensor.slice(prefix.length), values] as const);
    return new StackVectors(name, of, new Map(prefixes.flatMap(under)), layers);
  });
}

/** A stack of layers: what goes in and what has to come out. */
export class StackVectors {
  readonly file: string;
  /** The file's name, and that of the case where it holds many. */
  readonly name: string;
  readonly definitions: readonly LayerDefinition[];
  readonly #tensors: ReadonlyMap<string, Numbers>;

  constructor(file: string, name: string | undefined, tensors: ReadonlyMap<string, Numbers>, definitions?: readonly LayerDefinition[]) {
    this.file = file;
    this.name = name === undefined ? file : `${file}, ${name}`;
    this.#tensors = tensors;
    const layers = [...tensors.keys()].filter((tensor) => /^layers\.\d+\.weight_ih_l0$/.test(tensor));
    this.definitions = definitions ?? layers.map((_, k) => this.#definition(k));
  }

  has(tensor: string): boolean {
    return this.#tensors.has(tensor);
  }

  get(tensor: string): Numbers {
    const found = this.#tensors.get(tensor);
    if (!found) throw new Error(`${this.name} has no ${tensor}`);
    return found;
  }

  /** What goes into a computation, which f32 holds exactly. */
  f32(tensor: string): Float32Array {
    return Float32Array.from(this.get(tensor).data);
  }

  /** The same, or nothing where there is no such tensor. */
  f32IfThere(tensor: string): Float32Array | undefined {
    return this.has(tensor) ? this.f32(tensor) : undefined;
  }

  /** The parameters of layer `k`, named as in a layer by itself. */
  parameters(k: number): Record<string, Float32Array> {
    const prefix = `layers.${k}.`;
    const names = [...this.#tensors.keys()].filter((name) => name.startsWith(prefix) && /_l0(_reverse)?$/.test(name));
    return Object.fromEntries(names.map((name) => [name.slice(prefix.length), this.f32(name)]));
  }

  /** The masks of layer `k`'s training step, if the stack is one. */
  masks(k: number): LayerMasks | undefined {
    const mask = (name: string) => this.f32IfThere(`layers.${k}.masks.${name}`);
    const masks = { recurrent: mask("recurrent"), keepHidden: mask("keep_hidden"), keepCell: mask("keep_cell"), weight: mask("weight") };
    return Object.values(masks).some((values) => values !== undefined) ? masks : undefined;
  }

  /** Layer `k`, by the file's name and the shapes of its tensors. */
  #definition(k: number): LayerDefinition {
    const has = (tensor: string) => this.has(`layers.${k}.${tensor}`);
    const words = new Set(this.file.split("-"));
    const cell = words.has("gru") ? "gru" : words.has("rnn") ? "rnn" : "lstm";
    const recurrent = this.get(`layers.${k}.weight_hh_l0`).shape;
    return {
      cell,
      units: (recurrent[0] ?? 0) / { lstm: 4, gru: 3, rnn: 1 }[cell],
      ...(has("weight_hh_l0_reverse") ? { bidirectional: true } : {}),
      ...(has("bias_ih_l0") ? {} : { bias: false }),
      ...(has("weight_hr_l0") ? { projection: recurrent[1] ?? 0 } : {}),
      ...(words.has("relu") ? { activation: "relu" as const } : {}),
    };
  }
}

/** The layers of a stack, each with the file's weights. */
export async function openStack(vectors: StackVectors, options: MachineOptions): Promise<Layer[]> {
  const layers: Layer[] = [];
  for (const [k, definition] of vectors.definitions.entries()) {
    const inputs = vectors.get(`layers.${k}.weight_ih_l0`).shape[1] ?? 0;
    const layer = await createLayer(definition, { inputs, ...options });
    layer.setParameters(vectors.parameters(k));
    layers.push(layer);
  }
  return layers;
}

/** Every result of a stack's forward passes against the file's. */
export function measureForward(vectors: StackVectors, layers: readonly Layer[]): Measured[] {
  const [n = 0, steps = 0] = vectors.get("x").shape;
  const lengths = vectors.has("lengths") ? [...vectors.get("lengths").data] : undefined;
  let x = vectors.f32("x");
  const measured: Measured[] = [];
  for (const [k, layer] of layers.entries()) {
    const [initialHidden, initialCell] = ["h0", "c0"].map((state) => vectors.f32IfThere(`layers.${k}.${state}`));
    const batch = { x, shape: [n, steps, layer.inputs], lengths, initialHidden, initialCell, masks: vectors.masks(k) } as const;
    const states = layer.forward(batch);
    measured.push(...compare(vectors, `layers.${k}.`, statesByName(states)));
    x = states.hidden;
  }
  return measured;
}

/** Every gradient of the stack's last forward passes likewise. */
export function measureBackward(vectors: StackVectors, layers: readonly Layer[]): Measured[] {
  const top = layers.length - 1;
  let hidden = vectors.f32(`cotangent.layers.${top}.hidden`);
  const measured: Measured[] = [];
  for (let k = top; k >= 0; k--) {
    const [finalHidden, finalCell] = ["h_n", "c_n"].map((state) => vectors.f32IfThere(`cotangent.layers.${k}.${state}`));
    const gradients = layers[k]?.backward({ hidden, finalHidden, finalCell });
    if (!gradients) break;
    measured.push(...compare(vectors, `gradient.layers.${k}.`, gradientsByName(gradients)));
    hidden = gradients.x;
  }
  return [...measured, ...compare(vectors, "gradient.", { x: hidden })];
}

function statesByName({ hidden, finalHidden, finalCell }: LayerStates): Record<string, Float32Array | undefined> {
  return { hidden, h_n: finalHidden, c_n: finalCell };
}

function gradientsByName({ parameters, initialHidden, initialCell }: LayerGradients): Record<string, Float32Array | undefined> {
  const weights = Object.entries(parameters).map(([name, { data }]) => [name, data]);
  return { ...Object.fromEntries(weights), h0: initialHidden, c0: initialCell };
}

/**
 * Each tensor's error. Lower layers of some stacks have no hidden states in the file, and those that begin from zero no gradient
 * of that; else, one that is in the file alone, or not in the file, is an infinite error.
 */
function compare(vectors: StackVectors, prefix: string, actual: Readonly<Record<string, Float32Array | undefined>>): Measured[] {
  return Object.entries(actual).flatMap(([name, values]) => {
    const tensor = `${prefix}${name}`;
    const needed = values !== undefined && !["hidden", "h0", "c0"].includes(name);
    if (!vectors.has(tensor) && !needed) return [];
    const error = values && vectors.has(tensor) ? errorOf(values, vectors.get(tensor).data) : Infinity;
    return [{ tensor, error }];
  });
}
