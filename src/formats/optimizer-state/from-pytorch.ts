// What PyTorch's `optimizer.state_dict()` says, as what `fit` takes. Knows how PyTorch numbers parameters and names settings;
// reads no files and checks no shapes: those are held to the model when training begins.

import { GatewiseError } from "../../errors.js";
import type { ParameterGroup } from "../../generated/core.js";
import type { Tensor } from "../../model/parameters.js";
import type { LearningRate, Optimizer } from "../../training/learning-rate.js";
import type { KeptOfParameter, OptimizerState } from "../../training/optimizer-state.js";
import { isStoredTensor } from "../tensors.js";
import { Dictionary, invalid } from "./dictionary.js";
import { SETTINGS, type Settings, type SharedKind } from "./settings.js";
import { trainedNames } from "./trained.js";

/** What training goes on with: `fit(data, { ...imported })`. */
export interface OptimizerOfPyTorch {
  readonly optimizer: Optimizer;
  /** Undefined where PyTorch's has taken no step, or keeps nothing. */
  readonly optimizerState: OptimizerState | undefined;
}

/** What a file of PyTorch's may not tell. */
export interface FromPyTorchOptions {
  /** Which optimiser it is of: to be given where the file is older than PyTorch 2.7, which tells Adam from AdamW, and weights decay. */
  readonly kind?: SharedKind | undefined;
  /** In the place of the file's, which a scheduler may have left at 0. Factors between groups stay. */
  readonly learningRate?: LearningRate | undefined;
}

/** One of PyTorch's groups. */
interface Group {
  readonly rate: number;
  readonly decay: number;
  readonly settings: Settings;
  /** Of its parameters: places in the order in which PyTorch's optimiser was given them. */
  readonly ids: readonly number[];
}

/**
 * Reads an optimiser of PyTorch's (SGD, RMSprop, Adam, AdamW), so that training goes on where it stopped there: the options that
 * it has, and what it keeps of each parameter.
 *
 * PyTorch's weight decay is that of all parameters of a group, biases too: `optimizer.groups` say so. Parameters of which it keeps
 * nothing, while it does of others, have never had a gradient: they are frozen. PyTorch's SGD counts no steps: `step` is 1 for any
 * number of them, which changes no number.
 *
 * @param entry what `optimizer.state_dict()` gave: `{ state, param_groups }`, as a map of `readPyTorch` or an object
 * @param parameterOrder the names of this model's parameters in the order in which PyTorch's optimiser was given its own: with
 * `Adam(model.parameters())` that of the state dict's names. The scaling of inputs, which does not move, is passed over
 * @param options what the file does not tell
 * @returns what to spread into the options of `fit`
 * @throws {GatewiseError} `invalid_file` if it is no optimiser's state; `state_mismatch` if it is of another number of parameters;
 * `not_expressible` for optimisers and settings that there are not here, by name; `invalid_option`
 *
 * @example
 * ```ts
 * const file = await readPyTorch("checkpoint.pt"); // torch.save({ "model": …, "optimizer": optimizer.state_dict() })
 * const imported = await optimizerFromPyTorch(file.optimizer, Object.keys(model.parameters()));
 * await model.fit(data, { ...imported, epochs: 5 });
 * ```
 */
export async function optimizerFromPyTorch(
  entry: unknown,
  parameterOrder: readonly string[],
  options: FromPyTorchOptions = {},
): Promise<OptimizerOfPyTorch> {
  const file = Dictionary.of(entry, "");
  const dictionaries = file.list("param_groups").map((group, index) => Dictionary.of(group, `param_groups[${index}]`));
  const kind = await kindOf(dictionaries, options.kind);
  const groups = await Promise.all(dictionaries.map((group) => groupOf(group, kind)));
  const order = trainedNames(parameterOrder);
  checkOrder(groups, order);
  const kept = await keptOf(file.dictionary("state"), order);
  const frozen = kept.size > 0 ? order.filter((name) => !kept.has(name)) : [];
  const optimizer = optimizerOf(kind, groups, order, frozen, options.learningRate);
  if (kept.size === 0) return { optimizer, optimizerState: undefined };
  const parameters = Object.fromEntries([...kept].map(([name, { slots }]) => [name, slots]));
  return { optimizer, optimizerState: { kind, step: stepOf(kept), parameters } };
}

/** Which optimiser has settings of these names. */
async function kindOf(groups: readonly Dictionary[], told: SharedKind | undefined): Promise<SharedKind> {
  const [first] = groups;
  if (!first) throw invalid("param_groups", "there is no group");
  const found = await kindBySettings(first, groups, told);
  if (told === undefined || told === found) return found;
  throw new GatewiseError("invalid_option", "options.kind", `the file is of ${found}, not of ${told}: leave \`kind\` out`);
}

async function kindBySettings(first: Dictionary, groups: readonly Dictionary[], told: SharedKind | undefined): Promise<SharedKind> {
  if (first.has("alpha") && first.has("centered")) return "rmsprop";
  if (first.has("dampening") && first.has("nesterov")) return "sgd";
  if (!first.has("betas") || !first.has("amsgrad")) {
    const keys = first.keys.filter((key) => key !== "params").join(", ");
    const message = `an optimiser with the settings ${keys} has no equal here: those of SGD, RMSprop, Adam and AdamW have`;
    throw new GatewiseError("not_expressible", "param_groups[0]", message);
  }
  if (first.has("decoupled_weight_decay")) return (await first.setting("decoupled_weight_decay")) === true ? "adamw" : "adam";
  if (told === "adam" || told === "adamw") return told;
  const decays = await Promise.all(groups.map((group) => group.number("weight_decay")));
  if (decays.every((decay) => decay === 0)) return "adam";
  const message = 'this file does not tell Adam from AdamW, whose weights decay otherwise: give `kind`, "adam" or "adamw"';
  throw new GatewiseError("invalid_option", "options.kind", message);
}

async function groupOf(group: Dictionary, kind: SharedKind): Promise<Group> {
  if (group.has("maximize") && (await group.setting("maximize")) !== false) {
    throw new GatewiseError("not_expressible", group.at("maximize"), "training here minimises: `maximize` has no equal");
  }
  const settings: Record<string, number | boolean> = {};
  for (const { name, key, index } of SETTINGS[kind]) settings[name] = await group.setting(key, index);
  const ids = group.list("params").map((id) => {
    if (typeof id === "number" && Number.isSafeInteger(id) && id >= 0) return id;
    throw invalid(group.at("params"), "these are no numbers of parameters");
  });
  return { rate: await group.number("lr"), decay: await group.number("weight_decay"), settings, ids };
}

/** Every parameter is in one group, and the names are as many. */
function checkOrder(groups: readonly Group[], order: readonly string[]): void {
  const ids = groups.flatMap((group) => group.ids);
  const named = new Set(order).size;
  if (named !== order.length) throw new GatewiseError("invalid_option", "parameterOrder", "it names a parameter twice");
  if (ids.length !== named) {
    const message = `PyTorch's optimiser has ${ids.length} parameters, ${named} were named: give each of its own a name, in its order`;
    throw new GatewiseError("state_mismatch", "parameterOrder", message);
  }
  if (new Set(ids).size !== ids.length || ids.some((id) => id >= named)) {
    throw invalid("param_groups", `the parameters of its groups are not those from 0 to ${named - 1}`);
  }
}

interface Kept {
  /** Undefined where steps are not counted. */
  readonly step: number | undefined;
  readonly slots: KeptOfParameter;
}

/** What is kept of each parameter, those left out of which nothing is. */
async function keptOf(state: Dictionary, order: readonly string[]): Promise<Map<string, Kept>> {
  const strange = state.keys.find((id) => !Object.hasOwn(order, id) || id === "length");
  if (strange !== undefined) throw invalid(`state[${strange}]`, "there is no such parameter");
  const kept = new Map<string, Kept>();
  for (const [id, name] of order.entries()) {
    if (!state.has(String(id))) continue;
    const entry = Dictionary.of(state.get(String(id)), `state[${id}]`);
    const slots: Record<string, Tensor> = {};
    for (const slot of entry.keys.filter((key) => key !== "step")) {
      const value = entry.get(slot);
      // SGD keeps None before its first step.
      if (value === null || value === undefined) continue;
      if (!isStoredTensor(value)) throw invalid(entry.at(slot), "there is no tensor here");
      slots[slot] = { shape: [...value.shape], data: await value.read() };
    }
    const step = entry.has("step") ? await entry.number("step") : undefined;
    if (Object.keys(slots).length > 0) kept.set(name, { step, slots });
  }
  return kept;
}

/** The steps that all of them have taken. */
function stepOf(kept: ReadonlyMap<string, Kept>): number {
  const all = [...kept].map(([name, { step }]) => ({ name, step: step ?? 1 }));
  const [first, ...others] = all;
  const other = others.find(({ step }) => step !== first?.step);
  if (first && other) {
    const message = `${first.name} has taken ${first.step} steps and ${other.name} ${other.step}: here all parameters take the same`;
    throw new GatewiseError("not_expressible", "state", message);
  }
  return first?.step ?? 0;
}

function optimizerOf(
  kind: SharedKind,
  groups: readonly Group[],
  order: readonly string[],
  frozen: readonly string[],
  learningRate: LearningRate | undefined,
): Optimizer {
  const [first] = groups as [Group];
  for (const { settings } of groups) {
    const other = Object.keys(settings).find((name) => settings[name] !== first.settings[name]);
    if (other === undefined) continue;
    const message = `groups of PyTorch's have ${other} ${first.settings[other]} and ${settings[other]}: here all parameters have the same`;
    throw new GatewiseError("not_expressible", "param_groups", message);
  }
  const rate = first.rate > 0 ? first.rate : Math.max(...groups.map((group) => group.rate));
  if (rate <= 0 && learningRate === undefined) {
    throw new GatewiseError("invalid_option", "options.learningRate", "the file's learning rate is 0: give one to go on with");
  }
  const still = new Set(frozen);
  const own: ParameterGroup[] = groups.flatMap((group) => {
    const parameters = group.ids.map((id) => order[id] as string).filter((name) => !still.has(name));
    const factor = rate > 0 ? group.rate / rate : 1;
    // What decays here unless a group says so is weights alone.
    const decays = group.decay !== 0 || first.decay !== 0;
    if (parameters.length === 0 || (factor === 1 && !decays)) return [];
    return [
      {
        parameters: parameters.length === order.length ? ["*"] : parameters,
        ...(factor !== 1 && { learningRateFactor: factor }),
        ...(decays && { weightDecay: group.decay }),
      },
    ];
  });
  if (frozen.length > 0) own.push({ parameters: [...frozen], frozen: true });
  const options = { kind, learningRate: learningRate ?? rate, ...first.settings, weightDecay: first.decay };
  // The settings are those of the kind.
  return { ...options, ...(own.length > 0 && { groups: own }) } as Optimizer;
}
