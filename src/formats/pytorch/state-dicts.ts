// Where the tensors are in what a file holds: the state dict of a model among the entries of a checkpoint, and the optimizer's
// state. Goes through nothing twice, however often it is shared.

import { GatewiseError } from "../../errors.js";
import { countOf } from "../../shape.js";
import { type StoredTensor, type StoredTensors, isStoredTensor } from "../tensors.js";
import { quoted } from "./complaints.js";
import { mostNumbers } from "./tensor.js";
import { type PyTorchMap, type PyTorchValue, isMap } from "./value.js";

/** Under which checkpoints keep the state dict of their model. */
const MODEL_NAMES = ["state_dict", "model_state_dict", "model", "net", "module"];

/** And that of their optimizer. */
const OPTIMIZER_NAMES = ["optimizer", "optimizer_state_dict", "optimizer_states", "optim"];

/** Levels of dictionaries that are looked through, and what is listed of them at most: a file may have any number of names. */
const DEEPEST = 4;
const LONGEST_NAME = 200;
const MOST_PATHS = 1000;
const MOST_SHOWN = 20;

/** An optimizer's state, as `optimizer.state_dict()` has it. */
export interface PyTorchOptimizer {
  /** By the parameter's index in the order of `param_groups`: `step`, `exp_avg`, `exp_avg_sq` of Adam. */
  readonly state: ReadonlyMap<number, PyTorchMap>;
  /** The options of each group of parameters, and under `params` the indices of those. */
  readonly param_groups: readonly PyTorchMap[];
}

/** Whether this is what `module.state_dict()` gives: tensors by name, and at most `_extra_state` beside them. */
function isStateDict(value: PyTorchValue | undefined): boolean {
  if (!isMap(value)) return false;
  const plain = [...value].filter(([name]) => !(typeof name === "string" && /(^|\.)_extra_state$/.test(name)));
  return plain.length > 0 && plain.every(([name, entry]) => typeof name === "string" && isStoredTensor(entry));
}

function holdsTensors(value: PyTorchValue | undefined): boolean {
  return isMap(value) && [...value].some(([name, entry]) => typeof name === "string" && isStoredTensor(entry));
}

function isOptimizer(value: PyTorchValue | undefined): boolean {
  return isMap(value) && isMap(value.get("state")) && Array.isArray(value.get("param_groups"));
}

/** The paths of the dictionaries that hold tensors by name, the optimizer's aside: "" is the whole value. */
export function stateDictPaths(root: PyTorchValue): string[] {
  const seen = new Set<PyTorchValue>();
  const paths: string[] = [];
  const collect = (value: PyTorchValue, path: readonly string[]) => {
    if (!isMap(value) || seen.has(value) || isOptimizer(value) || path.length > DEEPEST || paths.length === MOST_PATHS) return;
    seen.add(value);
    if (holdsTensors(value)) paths.push(path.join("."));
    for (const [name, entry] of value) {
      if (typeof name === "string" && name.length <= LONGEST_NAME) collect(entry, [...path, name]);
    }
  };
  collect(root, []);
  return paths;
}

/** The entry at `path`: a key, or keys with dots between them. */
function entryAt(value: PyTorchValue, path: string): PyTorchValue | undefined {
  if (path === "") return value;
  if (!isMap(value)) return undefined;
  if (value.has(path)) return value.get(path);
  for (let dot = path.indexOf("."); dot >= 0; dot = path.indexOf(".", dot + 1)) {
    const inner = value.get(path.slice(0, dot));
    const found = inner === undefined ? undefined : entryAt(inner, path.slice(dot + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The model's state dict of a checkpoint: the whole value, or the one under a usual name, in which Lightning and others keep it. */
function usualStateDict(root: PyTorchValue): PyTorchMap | undefined {
  if (!isMap(root) || isStateDict(root)) return isMap(root) ? root : undefined;
  const named = MODEL_NAMES.map((name) => root.get(name)).filter(holdsTensors);
  const [only, ...others] = new Set(named);
  return others.length === 0 && isMap(only) ? only : undefined;
}

/**
 * The tensors of the model, or of the entry at `path`.
 *
 * @param file as errors call it, and its size
 * @throws {GatewiseError} `invalid_option`, with the paths that there are
 */
export function tensorsOf(root: PyTorchValue, path: string | undefined, { file, fileBytes }: { file: string; fileBytes: number }): StoredTensors {
  const found = path === undefined ? usualStateDict(root) : entryAt(root, path);
  const tensors = new Map<string, StoredTensor>();
  for (const [name, entry] of isMap(found) ? found : []) if (typeof name === "string" && isStoredTensor(entry)) tensors.set(name, entry);
  if (tensors.size === 0) throw new GatewiseError("invalid_option", "path", missing(stateDictPaths(root), path, file));
  assertReadable(tensors, fileBytes, file);
  return tensors;
}

function missing(paths: readonly string[], path: string | undefined, file: string): string {
  if (paths.length === 0) return `${file} holds no dictionary of tensors: save model.state_dict()`;
  const shown = paths.slice(0, MOST_SHOWN).map((known) => (known === "" ? '"" (the whole file)' : `"${quoted(known)}"`));
  const what = path === undefined ? "which of them is the model is not clear" : `not at "${quoted(path)}"`;
  return `${file} holds tensors at ${shown.join(", ")}; ${what}: give one of these as path`;
}

/**
 * Numbers of all tensors together, for each number that one of them may have. A file can name the same storage in as many
 * tensors as it likes: whoever reads them all shall still end in a time that goes with its size.
 */
const MOST_SHARED = 16;

function assertReadable(tensors: StoredTensors, fileBytes: number, file: string): void {
  let count = 0;
  for (const { shape } of tensors.values()) count += countOf(shape);
  if (count <= MOST_SHARED * mostNumbers(fileBytes)) return;
  const message = `${file}: its ${tensors.size} tensors share the same numbers so often that they have ${count}, far more than the file: save them cloned`;
  throw new GatewiseError("invalid_file", file, message);
}

/** The optimizer's state, where the value has one, or is one. */
export function optimizerOf(root: PyTorchValue): PyTorchOptimizer | undefined {
  const named = isMap(root) ? OPTIMIZER_NAMES.map((name) => root.get(name)) : [];
  // A list of one, as Lightning has it.
  const alone = named.map((entry) => (Array.isArray(entry) && entry.length === 1 ? (entry[0] as PyTorchValue) : entry));
  const found = [root, ...alone].find(isOptimizer);
  const [state, groups] = isMap(found) ? [found.get("state"), found.get("param_groups")] : [];
  if (!isMap(state) || !Array.isArray(groups)) return undefined;
  const whole = [...state].every(([index, entry]) => typeof index === "number" && isMap(entry)) && groups.every(isMap);
  return whole ? { state: state as ReadonlyMap<number, PyTorchMap>, param_groups: groups as readonly PyTorchMap[] } : undefined;
}
