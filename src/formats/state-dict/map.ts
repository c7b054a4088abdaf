// A state dict under our names: by the caller's map of prefixes, by names that are ours already, and by what shapes tell.

import { GatewiseError } from "../../errors.js";
import { didYouMean } from "../../suggest.js";
import { withoutWrappers } from "../pytorch/index.js";
import type { StoredTensor, StoredTensors } from "../tensors.js";
import { type Shapes, matchModules } from "./match.js";
import { type StateModule, modulesOf } from "./modules.js";
import { PLACES, isPlace, joinName, nameAt, splitName } from "./names.js";

/**
 * What PyTorch's modules are in our models: prefixes of names to `layers` (a stack, or a list of modules), `layers.2` (a module
 * that begins with layer 2), `embedding`, `initial`, `attention`, `output`, `layers.2.norm`, `output.norm`. Whole names may
 * stand there too. The outermost module is `""`.
 */
export type ModuleMap = Readonly<Record<string, string>>;

/** A tensor under our name. */
export interface Renamed {
  /** Its name in the file. */
  readonly source: string;
  readonly tensor: StoredTensor;
}

/** A state dict under our names. */
export interface RenamedState {
  /** By our names, or by their own where no place is known for them. */
  readonly tensors: ReadonlyMap<string, Renamed>;
  /** The map that it came to, whole. */
  readonly map: ModuleMap;
  /** What is to be asked of the caller: sentences that name the answer. */
  readonly questions: readonly string[];
}

/**
 * @param wanted what the model has, where there is one already
 * @throws {GatewiseError} `invalid_option` where the map names what is not there, or two tensors come to one name
 */
export function renameState(tensors: StoredTensors, map: ModuleMap, wanted: Shapes | undefined): RenamedState {
  const plain = withoutWrappers(new Map(Array.from(tensors, ([source, tensor]): [string, Renamed] => [source, { source, tensor }])));
  assertKeys(map, [...plain.keys()]);
  assertPlaces(map);
  const modules = modulesOf(new Map(Array.from(plain, ([name, { tensor }]) => [name, tensor])));
  const { places, questions } = matchModules(modules, givenPlaces(modules, map), wanted);
  const found = new Map<string, Renamed>();
  const put = (name: string, tensor: Renamed) => {
    const other = found.get(name);
    if (other) throw new GatewiseError("invalid_option", "options.map", `${other.source} and ${tensor.source} both come to ${name}: give map, so that each has a place of its own`);
    found.set(name, tensor);
  };
  for (const module of modules) {
    for (const parameter of module.parameters.keys()) {
      const name = joinName(module.prefix, parameter);
      const place = keyOf(name, map) === undefined ? places.get(module) : undefined;
      put(place === undefined ? mapped(name, map) : nameAt(place, parameter), plain.get(name) as Renamed);
    }
  }
  const matched = [...places].filter(([{ prefix }, place]) => prefix !== place && !isPlace(prefix));
  return { tensors: found, map: { ...Object.fromEntries(matched.map(([{ prefix }, place]) => [prefix, place])), ...map }, questions };
}

/** The places that the map gives, and those of modules that bear our names. */
function givenPlaces(modules: readonly StateModule[], map: ModuleMap): Map<StateModule, string> {
  const places = new Map<StateModule, string>();
  for (const module of modules) {
    const [parameter = ""] = module.parameters.keys();
    const name = joinName(module.prefix, parameter);
    const key = keyOf(name, map);
    if (key === name) places.set(module, splitName(map[key] ?? "")[0]);
    else if (key !== undefined) places.set(module, replaced(module.prefix, key, map[key] ?? ""));
    else if (isPlace(module.prefix)) places.set(module, module.prefix);
  }
  return places;
}

/** The longest key that `name` is, or begins with. */
function keyOf(name: string, map: ModuleMap): string | undefined {
  const keys = Object.keys(map).filter((key) => isUnder(name, key));
  return keys.sort((a, b) => b.length - a.length)[0];
}

function isUnder(name: string, key: string): boolean {
  return key === "" ? !name.includes(".") : name === key || name.startsWith(`${key}.`);
}

function mapped(name: string, map: ModuleMap): string {
  const key = keyOf(name, map);
  const target = key === undefined ? name : replaced(name, key, map[key] ?? "");
  return nameAt(...splitName(target));
}

/** `name` with `key` at its beginning replaced. */
function replaced(name: string, key: string, target: string): string {
  const rest = key === "" ? name : name.slice(key.length + 1);
  return rest === "" ? target : joinName(target, rest);
}

function assertKeys(map: ModuleMap, names: readonly string[]): void {
  for (const key of Object.keys(map)) {
    if (names.some((name) => isUnder(name, key))) continue;
    const prefixes = [...new Set(names.map((name) => splitName(name)[0]))];
    const there = didYouMean(key, prefixes) || `: there are ${prefixes.slice(0, 12).map((prefix) => JSON.stringify(prefix)).join(", ")}`;
    throw new GatewiseError("invalid_option", `options.map.${key}`, `no tensor's name begins with ${JSON.stringify(key)}${there}`);
  }
}

function assertPlaces(map: ModuleMap): void {
  for (const [key, place] of Object.entries(map)) {
    const [first = ""] = place.split(".");
    if (PLACES.includes(first)) continue;
    const there = didYouMean(first, PLACES) || `: places begin with ${PLACES.join(", ")}, such as layers.1 or output.norm`;
    throw new GatewiseError("invalid_option", `options.map.${key}`, `${JSON.stringify(place)} is no place in a model${there}`);
  }
}
