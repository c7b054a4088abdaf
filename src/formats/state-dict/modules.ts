// The modules that a state dict's names and shapes tell of. Knows nothing of models.

import type { StoredTensor } from "../tensors.js";
import { recurrentName, splitName } from "./names.js";

/**
 * - `"recurrent"`: `nn.LSTM`, `nn.GRU`, `nn.RNN`, their cells, or a layer of ours
 * - `"matrix"`: `nn.Linear`, or without a bias also `nn.Embedding`
 * - `"norm"`: `nn.LayerNorm`
 * - `"bias"`: what a file leaves of an `nn.Linear` whose weight is an embedding's too
 */
export type ModuleKind = "recurrent" | "matrix" | "norm" | "bias" | "other";

/** The shape of a tensor, all that is known of it here. */
export type Shaped = Pick<StoredTensor, "shape">;

/** One module of a state dict. */
export interface StateModule {
  /** Its name; empty of the outermost. */
  readonly prefix: string;
  readonly kind: ModuleKind;
  /** Its tensors by the last part of their names. */
  readonly parameters: ReadonlyMap<string, Shaped>;
}

/** The modules of tensors whose names wrappers have been taken off, in the order in which they come up. */
export function modulesOf(tensors: ReadonlyMap<string, Shaped>): StateModule[] {
  const groups = new Map<string, Map<string, Shaped>>();
  for (const [name, tensor] of tensors) {
    const [prefix, parameter] = splitName(name);
    // The outermost module may be a recurrent one and have parameters of its own.
    const key = recurrentName(parameter) ? `recurrent ${prefix}` : `plain ${prefix}`;
    groups.set(key, (groups.get(key) ?? new Map<string, Shaped>()).set(parameter, tensor));
  }
  return Array.from(groups, ([key, parameters]) => {
    const [kind, prefix] = [key.slice(0, key.indexOf(" ")), key.slice(key.indexOf(" ") + 1)];
    return { prefix, kind: kind === "recurrent" ? "recurrent" : kindOf(parameters), parameters };
  });
}

function kindOf(parameters: ReadonlyMap<string, Shaped>): ModuleKind {
  const [weight, bias] = [parameters.get("weight")?.shape, parameters.get("bias")?.shape];
  const others = parameters.size - Number(weight !== undefined) - Number(bias !== undefined);
  if (others > 0 || (bias && bias.length !== 1)) return "other";
  if (!weight) return "bias";
  if (bias && bias[0] !== weight[0]) return "other";
  return weight.length === 2 ? "matrix" : weight.length === 1 ? "norm" : "other";
}

/** Sizes of one layer of a recurrent module. */
export interface RecurrentSizes {
  /** Numbers that a step reads. */
  readonly inputs: number;
  /** Rows of `weight_ih`: gates times units. */
  readonly rows: number;
  /** Numbers of one direction's hidden state. */
  readonly hidden: number;
  readonly directions: number;
}

/** The layers of a recurrent module, from the input upwards; undefined where its tensors make no layers. */
export function recurrentLayers({ parameters }: StateModule): RecurrentSizes[] | undefined {
  const found = new Map<number, { ih?: readonly number[]; hh?: readonly number[]; reverse: boolean }>();
  for (const [parameter, { shape }] of parameters) {
    const name = recurrentName(parameter);
    if (!name) return undefined;
    const layer = found.get(name.layer) ?? { reverse: false };
    found.set(name.layer, layer);
    if (name.reverse) layer.reverse = true;
    else if (name.base === "weight_ih") layer.ih = shape;
    else if (name.base === "weight_hh") layer.hh = shape;
  }
  const layers: RecurrentSizes[] = [];
  for (let index = 0; index < found.size; index++) {
    const { ih, hh, reverse = false } = found.get(index) ?? {};
    if (ih?.length !== 2 || hh?.length !== 2) return undefined;
    const [[rows = 0, inputs = 0], [, hidden = 0]] = [ih, hh];
    layers.push({ inputs, rows, hidden, directions: reverse ? 2 : 1 });
  }
  return layers;
}
