// What a run here leaves of its optimiser, as PyTorch's `optimizer.load_state_dict()` takes it. Knows how PyTorch numbers
// parameters and names settings; writes no files.

import { GatewiseError } from "../../errors.js";
import type { ParameterGroup } from "../../generated/core.js";
import type { DeepReadonly } from "../../model/definition.js";
import type { Tensor } from "../../model/parameters.js";
import type { LearningRate, Optimizer } from "../../training/learning-rate.js";
import type { OptimizerState } from "../../training/optimizer-state.js";
import type { StoredTensor } from "../tensors.js";
import { COMPUTING, LEARNING_RATE, SETTINGS, type SharedKind, WEIGHT_DECAY } from "./settings.js";

/** A tensor as readers of files give it, and as writers take it. */
export interface StateDictTensor extends StoredTensor {
  readonly type: "f32";
  readonly data: Float32Array;
}

/** A value of a dictionary that PyTorch reads, as `encodePyTorch` writes it. */
export type StateDictValue =
  | null
  | boolean
  | number
  | StateDictTensor
  | readonly StateDictValue[]
  | ReadonlyMap<string | number, StateDictValue>;

/** What a run here was told, and what it left. */
export interface OptimizerHere {
  /** Adam unless given, as for `fit`. */
  readonly optimizer?: Optimizer | undefined;
  /** `history.optimizerState` */
  readonly optimizerState?: OptimizerState | undefined;
}

/** What PyTorch has to be told and a run does not. */
export interface ToPyTorchOptions {
  /** The learning rate to go on with: to be given where the run had a schedule. That of `optimizer` unless given. */
  readonly learningRate?: number | undefined;
}

/**
 * Writes an optimiser as PyTorch's `optimizer.state_dict()` is: what `torch.optim.SGD`, `RMSprop`, `Adam` or `AdamW` loads to go on
 * with the step that would have been next here.
 *
 * Parameters are numbered by their places in `parameterOrder`. Where they do not all have the same learning rate and weight decay
 * (as with any weight decay here, which leaves biases alone unless a group says otherwise), there are several groups; PyTorch's
 * optimiser has to be made with the same ones, which the numbers tell.
 *
 * @param here what `fit` was given and gave: `{ optimizer, optimizerState: history.optimizerState }`
 * @param parameterOrder the names of this model's parameters in the order of PyTorch's `model.parameters()`
 * @param options the learning rate, after a schedule
 * @returns `{ state, param_groups }` as a map, for `encodePyTorch`
 * @throws {GatewiseError} `not_expressible` for Lion, which PyTorch has not; `state_mismatch` if the order lacks a parameter of the
 * state, or names one that has none and is not frozen; `invalid_option`
 *
 * @example
 * ```ts
 * const optimizer = { kind: "adamw", learningRate: 1e-3 } as const;
 * const { optimizerState } = await model.fit(data, { optimizer, keepOptimizerState: true });
 * await writeFile("optimizer.pt", encodePyTorch(optimizerToPyTorch({ optimizer, optimizerState }, Object.keys(model.parameters()))));
 * ```
 * ```python
 * saved, parameters = torch.load("optimizer.pt", weights_only=True), list(model.parameters())
 * optimizer = torch.optim.AdamW([{"params": [parameters[i] for i in group["params"]]} for group in saved["param_groups"]])
 * optimizer.load_state_dict(saved)
 * ```
 */
export function optimizerToPyTorch(
  { optimizer = { kind: "adam" }, optimizerState }: OptimizerHere,
  parameterOrder: readonly string[],
  options: ToPyTorchOptions = {},
): ReadonlyMap<string, StateDictValue> {
  const { kind } = optimizer;
  if (kind === "lion") throw new GatewiseError("not_expressible", "optimizer.kind", "PyTorch has no Lion: train with another optimiser");
  if (optimizerState && optimizerState.kind !== kind) {
    const message = `the state is of ${optimizerState.kind}, \`optimizer\` is ${kind}: give both of the same run`;
    throw new GatewiseError("invalid_option", "optimizerState.kind", message);
  }
  const parameters = parameterOrder.map((name) => treated(name, kind, optimizer));
  if (optimizerState && optimizerState.step > 0) checkOrder(optimizerState, parameterOrder, parameters);
  const rate = options.learningRate ?? rateOf(kind, optimizer.learningRate);
  return new Map<string, StateDictValue>([
    ["state", stateDict(kind, optimizerState, parameterOrder)],
    ["param_groups", groupsOf(parameters).map((group) => groupDict(kind, optimizer, group, rate))],
  ]);
}

/** How a parameter is treated. */
interface Treated {
  readonly factor: number;
  readonly decay: number;
  readonly frozen: boolean;
}

function treated(name: string, kind: SharedKind, { weightDecay = WEIGHT_DECAY[kind], groups = [] }: Optimizer): Treated {
  const group: DeepReadonly<ParameterGroup> | undefined = groups.find((each) => each.parameters.some((pattern) => matches(pattern, name)));
  const decay = isWeight(name) ? weightDecay : 0;
  return { factor: group?.learningRateFactor ?? 1, decay: group?.weightDecay ?? decay, frozen: group?.frozen ?? false };
}

/** As the core has it: biases and gains do not decay unless a group says so. */
function isWeight(name: string): boolean {
  return !/(?:^|\.)(?:bias|gain)[^.]*$|\.norm\.weight$/.test(name);
}

/** As the core has it: each `*` stands for any characters, or none. */
function matches(pattern: string, name: string): boolean {
  const [first = "", ...parts] = pattern.split("*");
  const last = parts.pop();
  if (last === undefined) return name === first;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const part of parts) {
    const place = name.indexOf(part, at);
    if (place < 0) return false;
    at = place + part.length;
  }
  return name.length - at >= last.length && name.endsWith(last);
}

function checkOrder({ parameters }: OptimizerState, order: readonly string[], how: readonly Treated[]): void {
  const without = Object.keys(parameters).filter((name) => !order.includes(name));
  const keepsSomething = Object.keys(parameters).length > 0;
  const lacking = order.filter((name, index) => keepsSomething && !Object.hasOwn(parameters, name) && !how[index]?.frozen);
  if (new Set(order).size !== order.length) {
    throw new GatewiseError("invalid_option", "parameterOrder", "it names a parameter twice");
  }
  if (without.length + lacking.length === 0) return;
  const told = [
    ...(without.length > 0 ? [`the order lacks ${without.join(", ")}`] : []),
    ...(lacking.length > 0 ? [`the state lacks ${lacking.join(", ")}`] : []),
  ];
  throw new GatewiseError("state_mismatch", "parameterOrder", `${told.join("; ")}: give the names of \`model.parameters()\` in PyTorch's order`);
}

function rateOf(kind: SharedKind, rate: LearningRate | undefined): number {
  if (rate === undefined) return LEARNING_RATE[kind];
  if (typeof rate === "number") return rate;
  const message = "the run had a schedule, of which PyTorch's optimiser knows nothing: give the learning rate to go on with";
  throw new GatewiseError("invalid_option", "options.learningRate", message);
}

/** Parameters that are treated alike, in the order in which the first of each comes. */
function groupsOf(parameters: readonly Treated[]): (Treated & { readonly ids: readonly number[] })[] {
  const groups = new Map<string, Treated & { ids: number[] }>();
  for (const [id, one] of parameters.entries()) {
    const alike = `${one.factor} ${one.decay}`;
    const group = groups.get(alike);
    if (group) group.ids.push(id);
    else groups.set(alike, { ...one, ids: [id] });
  }
  return [...groups.values()];
}

function groupDict(
  kind: SharedKind,
  optimizer: Optimizer,
  { factor, decay, ids }: Treated & { readonly ids: readonly number[] },
  rate: number,
): ReadonlyMap<string, StateDictValue> {
  const given = optimizer as Readonly<Record<string, unknown>>;
  const group = new Map<string, StateDictValue>([["lr", rate * factor]]);
  for (const { name, key, index, standard } of SETTINGS[kind]) {
    const value = (given[name] ?? standard) as number | boolean;
    if (index === undefined) group.set(key, value);
    else group.set(key, index === 0 ? [value] : [...(group.get(key) as number[]), value]);
  }
  group.set("weight_decay", decay);
  for (const [key, value] of Object.entries(COMPUTING[kind])) group.set(key, value);
  return group.set("params", ids);
}

function stateDict(kind: SharedKind, state: OptimizerState | undefined, order: readonly string[]): ReadonlyMap<number, StateDictValue> {
  const entries = new Map<number, StateDictValue>();
  // Before its first step PyTorch's keeps nothing.
  if (!state || state.step === 0) return entries;
  for (const [id, name] of order.entries()) {
    const slots = Object.hasOwn(state.parameters, name) ? state.parameters[name] : undefined;
    if (!slots) continue;
    const kept = Object.entries(slots).map(([slot, { shape, data }]): [string, StateDictValue] => [slot, stored({ shape: [...shape], data })]);
    const step: [string, StateDictValue][] = kind === "sgd" ? [] : [["step", stored({ shape: [], data: Float32Array.of(state.step) })]];
    entries.set(id, new Map([...step, ...kept]));
  }
  return entries;
}

function stored({ shape, data }: Tensor): StateDictTensor {
  return { shape, type: "f32", data, read: async () => data.slice() };
}
