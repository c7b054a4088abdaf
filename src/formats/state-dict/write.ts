// `model.stateDict`: a model's tensors under the names that PyTorch's modules have.

import { GatewiseError } from "../../errors.js";
import type { LayerDefinition, ModelDefinition } from "../../generated/core.js";
import type { Tensor } from "../../model/parameters.js";
import { validated } from "../../validate.js";
import { mapSchema } from "./hints.js";
import type { ModuleMap } from "./map.js";
import { joinName, nameAt, recurrentName, splitName } from "./names.js";

/** What modules are called unless a map says otherwise. */
const NAMES: ModuleMap = { rnn: "layers", head: "output", input_norm: "layers.0.norm", output_norm: "output.norm" };

/** What differs from layer to layer where PyTorch has one module for all. */
const OF_A_STACK = ["cell", "units", "bidirectional", "bias", "projection", "activation"] as const;

/** What no module of PyTorch's computes. What training alone does is none of it. */
const NOT_PYTORCHS = ["peepholes", "layerNorm", "coupledGates", "cellClip", "gateActivation", "reset", "zoneout"] as const;

/**
 * A model's tensors by PyTorch's names.
 *
 * @param map as in loading, read from right to left
 * @throws {GatewiseError} `not_expressible` where a layer computes what no module of PyTorch's does; `invalid_option`
 */
export function toStateDict(tensors: Readonly<Record<string, Tensor>>, definition: ModelDefinition, map: ModuleMap = NAMES): Record<string, Tensor> {
  validated(mapSchema, map, "options.map");
  for (const [index, layer] of definition.layers.entries()) assertExpressible(layer, index);
  const places = new Map(Object.entries(map).map(([prefix, place]) => [place, prefix]));
  const single = isStack(definition);
  const named = Object.entries(tensors).map(([name, tensor]) => [sourceName(name, places, single), tensor] as const);
  const { "embedding.weight": embedding } = tensors;
  // PyTorch's state dict of a module that shares a parameter holds it under both names.
  const shared = definition.output.tied === true && embedding ? [[sourceName("output.weight", places, single), embedding] as const] : [];
  const all = [...named, ...shared];
  const twice = all.find(([name], index) => all.findIndex(([other]) => other === name) < index);
  if (twice) throw new GatewiseError("invalid_option", "options.map", `two tensors would be called ${twice[0]}: give each place a name of its own`);
  return Object.fromEntries(all);
}

/** Whether one `nn.LSTM` with `num_layers` says it all: layers that are alike, with nothing between them. */
function isStack({ layers }: ModelDefinition): boolean {
  const [first] = layers;
  return layers.every((layer, index) => {
    const alike = first !== undefined && OF_A_STACK.every((field) => (layer[field] ?? undefined) === (first[field] ?? undefined));
    const next = layers[index + 1];
    const plain = next === undefined || ((layer.merge ?? "concat") === "concat" && next.residual !== true && !("inputNorm" in next && next.inputNorm === true));
    return alike && plain;
  });
}

function assertExpressible(layer: LayerDefinition, index: number): void {
  const standard: Readonly<Record<string, unknown>> = { gateActivation: "sigmoid", reset: "after" };
  const found = NOT_PYTORCHS.find((field) => layer[field] !== undefined && layer[field] !== null && layer[field] !== false && layer[field] !== standard[field]);
  if (found === undefined) return;
  throw new GatewiseError("not_expressible", `definition.layers[${index}].${found}`, `layer ${index} has ${found}, which no module of PyTorch's computes`);
}

/** Our name under the prefix that the map gives its place, the longest one first: a layer's own, or the stack's. */
function sourceName(name: string, places: ReadonlyMap<string, string>, single: boolean): string {
  const exact = places.get(name);
  if (exact !== undefined) return exact;
  const [prefix, parameter] = splitName(name);
  const layer = /^layers\.(\d+)$/.exec(prefix)?.[1];
  const own = places.get(prefix);
  if (own !== undefined) return joinName(own, parameter);
  const stack = places.get("layers");
  if (layer !== undefined && stack !== undefined) return single ? inStack(stack, parameter, layer) : joinName(joinName(stack, layer), parameter);
  const above = [...places].filter(([place]) => prefix.startsWith(`${place}.`)).sort(([a], [b]) => b.length - a.length)[0];
  return above ? joinName(joinName(above[1], prefix.slice(above[0].length + 1)), parameter) : nameAt(prefix, parameter);
}

function inStack(stack: string, parameter: string, layer: string): string {
  const { base = parameter, reverse = "" } = recurrentName(parameter) ?? {};
  return joinName(stack, `${base}_l${layer}${reverse}`);
}
