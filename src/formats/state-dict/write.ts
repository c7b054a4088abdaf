// `model.stateDict`: a model's tensors under the names that PyTorch's modules have.

import * as v from "valibot";

import { GatewiseError } from "../../errors.js";
import type { LayerDefinition, ModelDefinition } from "../../generated/core.js";
import type { Tensor } from "../../model/parameters.js";
import { fields, validated } from "../../validate.js";
import { mapSchema } from "./hints.js";
import type { ModuleMap } from "./map.js";
import { joinName, recurrentName, splitName } from "./names.js";

/** What modules are called unless a map says otherwise. */
const NAMES: ModuleMap = { rnn: "layers", head: "output", input_norm: "layers.0.norm", output_norm: "output.norm" };

/** And each layer's norm: `rnn.1` is a module of PyTorch's, which has none inside. */
function namesOf({ layers }: ModelDefinition): ModuleMap {
  return { ...NAMES, ...Object.fromEntries(layers.slice(1).map((_, index) => [`norm_${index + 1}`, `layers.${index + 1}.norm`])) };
}

/** What differs from layer to layer where PyTorch has one module for all. */
const OF_A_STACK = ["cell", "units", "bidirectional", "bias", "projection", "activation"] as const;

/** What no module of PyTorch's computes. What training alone does is none of it. */
const NOT_PYTORCHS = ["peepholes", "layerNorm", "coupledGates", "cellClip", "gateActivation", "reset", "zoneout"] as const;

/** How `model.stateDict` names tensors. */
export interface StateDictOptions {
  /**
   * As `loadStateDict` takes it: `{ rnn: "layers", head: "output" }` calls the stack of layers `rnn`. Places that it does not name
   * keep our names. Those two unless given, with `input_norm`, `norm_1`, … before layers and `output_norm` before the head.
   */
  readonly map?: ModuleMap | undefined;
  /** Whether recurrent modules are cells (`nn.LSTMCell`, …), one for each layer. False unless given. */
  readonly cells?: boolean | undefined;
}

/**
 * A model's tensors by PyTorch's names.
 *
 * @param options `map` is that of loading, read from right to left
 * @throws {GatewiseError} `not_expressible` where a layer computes what no module of PyTorch's does; `invalid_option`
 */
export function toStateDict(tensors: Readonly<Record<string, Tensor>>, definition: ModelDefinition, options: StateDictOptions = {}): Record<string, Tensor> {
  return Object.fromEntries(tensorsUnder(namesInPyTorch(Object.keys(tensors), definition, options), tensors));
}

/** The tensors under PyTorch's names; the weight of a tied head is the embeddings. */
export function tensorsUnder(names: ReadonlyMap<string, string>, tensors: Readonly<Record<string, Tensor>>): Map<string, Tensor> {
  return new Map(Array.from(names, ([name, own]) => [name, tensors[own] ?? (tensors["embedding.weight"] as Tensor)]));
}

/**
 * PyTorch's name of each of a model's tensors, and ours of the same; `output.weight` of a tied head too, which is the embeddings.
 *
 * @throws as {@link toStateDict}
 */
export function namesInPyTorch(tensors: readonly string[], definition: ModelDefinition, options: StateDictOptions = {}): ReadonlyMap<string, string> {
  const { map = namesOf(definition), cells = false } = validated(optionsSchema, options, "options");
  for (const [index, layer] of definition.layers.entries()) assertExpressible(layer, index, cells);
  const places = new Map(Object.entries(map).map(([prefix, place]) => [place, prefix]));
  const modules = modulesOf(definition, places, cells);
  // PyTorch's state dict of a module that shares a parameter holds it under both names.
  const own = definition.output.tied === true && tensors.includes("embedding.weight") ? [...tensors, "output.weight"] : tensors;
  const all = new Map(own.map((name) => [sourceName(name, places, modules), name]));
  if (all.size === own.length) return all;
  throw new GatewiseError("invalid_option", "options.map", "two tensors would have the same name: give each place a prefix of its own");
}

const optionsSchema = fields({ map: v.optional(mapSchema), cells: v.optional(v.boolean("this must be true or false")) });

/** Where a layer is in PyTorch. */
interface Place {
  readonly prefix: string;
  /** What its tensors' names end with, before a direction's suffix: `_l2`, or nothing of a cell. */
  readonly suffix: string;
}

/** The module of each layer: its own, the one that begins with a layer before it, or of the stack. */
function modulesOf({ layers }: ModelDefinition, places: ReadonlyMap<string, string>, cells: boolean): Place[] {
  const starts = layers.flatMap((_, layer) => (places.has(`layers.${layer}`) ? [layer] : []));
  const stack = places.get("layers");
  const first = starts[0] ?? layers.length;
  const single = !cells && findSeam(layers.slice(0, first)) === undefined;
  return layers.map((_, layer) => {
    const start = starts.findLast((start) => start <= layer);
    if (start !== undefined) return inModule(layers, places.get(`layers.${start}`) ?? "", [start, layer], cells);
    if (single && stack !== undefined) return { prefix: stack, suffix: `_l${layer}` };
    return { prefix: joinName(stack ?? "layers", String(layer)), suffix: cells ? "" : "_l0" };
  });
}

function inModule(layers: readonly LayerDefinition[], prefix: string, [start, layer]: readonly [number, number], cells: boolean): Place {
  const seam = findSeam(layers.slice(start, layer + 1));
  if (seam === undefined && !(cells && layer > start)) return { prefix, suffix: cells ? "" : `_l${layer - start}` };
  const next = start + (cells ? 1 : (seam ?? 1));
  throw new GatewiseError("not_expressible", `definition.layers[${next}]`, `layer ${next} cannot be of the module ${prefix}, which begins with layer ${start}: give it a module of its own in map, as layers.${next}`);
}

/** The first layer that one `nn.LSTM` with `num_layers` could not go on with: it is unlike those before it, or something stands between. */
function findSeam(layers: readonly LayerDefinition[]): number | undefined {
  const [first] = layers;
  const seam = layers.findIndex((layer, index) => {
    const alike = first !== undefined && OF_A_STACK.every((field) => (layer[field] ?? undefined) === (first[field] ?? undefined));
    const below = layers[index - 1];
    const added = below?.residual === true || layer.residual === true;
    const joined = (below?.merge ?? "concat") !== "concat" || added || ("inputNorm" in layer && layer.inputNorm === true);
    return index > 0 && (!alike || joined);
  });
  return seam < 0 ? undefined : seam;
}

function assertExpressible(layer: LayerDefinition, index: number, cells: boolean): void {
  const standard: Readonly<Record<string, unknown>> = { gateActivation: "sigmoid", reset: "after" };
  const isOwn = (field: (typeof NOT_PYTORCHS)[number]) => layer[field] !== undefined && layer[field] !== false && layer[field] !== standard[field];
  const found = NOT_PYTORCHS.find(isOwn) ?? (["bidirectional", "projection"] as const).find((field) => cells && Boolean(layer[field]));
  if (found === undefined) return;
  throw new GatewiseError("not_expressible", `definition.layers[${index}].${found}`, `layer ${index} has ${found}, which no ${cells ? "cell" : "module"} of PyTorch's computes`);
}

/** Our name under the prefix that the map gives its place, the longest one first. */
function sourceName(name: string, places: ReadonlyMap<string, string>, modules: readonly Place[]): string {
  const exact = places.get(name);
  if (exact !== undefined) return exact;
  const [prefix, parameter] = splitName(name);
  const module = modules[Number(/^layers\.(\d+)$/.exec(prefix)?.[1] ?? Number.NaN)];
  const recurrent = module && recurrentName(parameter);
  if (recurrent) return joinName(module.prefix, `${recurrent.base}${module.suffix}${recurrent.reverse}`);
  const [above] = [...places].filter(([place]) => prefix === place || prefix.startsWith(`${place}.`)).sort(([a], [b]) => b.length - a.length);
  return above ? joinName(above[1], joinName(prefix.slice(above[0].length + 1), parameter)) : name;
}
