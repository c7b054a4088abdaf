// Which module of a state dict stands where in our model, as far as kinds, shapes and counted names leave no choice. What they
// leave open becomes a question, which names the answer. Knows no numbers.

import { isSameShape } from "../../shape.js";
import { bestAssignment, onlyOrder } from "./assign.js";
import { type StateModule, recurrentLayers } from "./modules.js";
import { nameAt } from "./names.js";

/** The shapes of tensors by our names. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

/** Places of modules, and what is to be asked of the caller. */
export interface Match {
  /** Our place of each module, those that were given included. */
  readonly places: Map<StateModule, string>;
  /** Sentences; those that `map` answers. */
  readonly questions: string[];
}

/** More modules of a kind than people would want to have told apart for them. */
const MOST_MODULES = 100;

/**
 * Places what has none yet.
 *
 * @param given the places that are known, by the caller's map or because they bear our names
 * @param wanted what the model has, where there is one already
 */
export function matchModules(modules: readonly StateModule[], given: ReadonlyMap<StateModule, string>, wanted: Shapes | undefined): Match {
  const match: Match = { places: new Map(given), questions: [] };
  const free = (kind: StateModule["kind"]) => modules.filter((module) => module.kind === kind && !match.places.has(module));
  placeRecurrent(free("recurrent"), match, wanted);
  const shapes = wanted ?? placedShapes(match);
  placeNorms(free("norm"), match, wanted !== undefined, shapes);
  placeBias(free("bias"), free("matrix"), match, shapes);
  placeMatrices(free("matrix"), match, wanted !== undefined, shapes);
  return match;
}

/** The shapes of all tensors that have a place. */
export function placedShapes({ places }: Pick<Match, "places">): Map<string, readonly number[]> {
  return new Map([...places].flatMap(([{ parameters }, place]) => Array.from(parameters, ([name, { shape }]) => [nameAt(place, name), shape] as const)));
}

function placeRecurrent(modules: readonly StateModule[], match: Match, wanted: Shapes | undefined): void {
  const [only, ...others] = modules;
  if (!only) return;
  const placed = [...match.places].some(([{ kind }]) => kind === "recurrent");
  if (others.length === 0 && !placed) {
    match.places.set(only, "layers");
    return;
  }
  const fits = wanted ? fitsModel(wanted) : chains;
  const counted = inCountedOrder(modules);
  const isChain = counted?.every((module, index) => fits(counted.slice(0, index), module)) === true;
  const order = placed || modules.length > MOST_MODULES ? "none" : isChain && counted ? counted : onlyOrder(modules, fits);
  if (typeof order === "string") {
    const example = modules.slice(0, 3).map(({ prefix }, index) => `${quoted(prefix)}: "layers.${index}"`);
    match.questions.push(`the order of ${listed(modules)} does not follow from their sizes: give map, such as { ${example.join(", ")} }`);
    return;
  }
  let layer = 0;
  for (const module of order) {
    match.places.set(module, `layers.${layer}`);
    layer += recurrentLayers(module)?.length ?? 1;
  }
}

type Fits = (before: readonly StateModule[], next: StateModule) => boolean;

/** Whether a module's layers are, in shape, the model's that come next. */
function fitsModel(wanted: Shapes): Fits {
  return (before, next) => {
    const first = before.reduce((layers, module) => layers + (recurrentLayers(module)?.length ?? 0), 0);
    return Array.from(next.parameters).every(([name, { shape }]) => isSameShape(wanted.get(nameAt(`layers.${first}`, name)), shape));
  };
}

/** Whether a module reads what the one before it gives: the states of both directions side by side, or merged. */
function chains(before: readonly StateModule[], next: StateModule): boolean {
  const first = recurrentLayers(next)?.[0];
  if (!first) return false;
  const last = before.length > 0 ? recurrentLayers(before.at(-1) as StateModule)?.at(-1) : undefined;
  return before.length === 0 || (last !== undefined && [last.hidden, last.hidden * last.directions].includes(first.inputs));
}

/** `cells.0`, `cells.1` or `lstm1`, `lstm2`: names that differ in one number at the end, by that number. */
function inCountedOrder(modules: readonly StateModule[]): StateModule[] | undefined {
  const parts = modules.map((module) => ({ module, parts: /^(.*?)(\d{1,9})$/.exec(module.prefix) }));
  const stems = new Set(parts.map(({ parts }) => parts?.[1]));
  if (stems.size !== 1 || stems.has(undefined)) return undefined;
  return parts.sort((a, b) => Number(a.parts?.[2]) - Number(b.parts?.[2])).map(({ module }) => module);
}

/** What the layers read and give. */
interface Ends {
  readonly inputs: number;
  /** Of both directions: side by side and merged. */
  readonly outputs: readonly number[];
}

function endsOf(shapes: Shapes): Ends {
  let last = 0;
  while (shapes.has(`layers.${last + 1}.weight_hh_l0`)) last++;
  const hidden = shapes.get(`layers.${last}.weight_hh_l0`)?.[1] ?? 0;
  const outputs = shapes.has(`layers.${last}.weight_hh_l0_reverse`) ? [2 * hidden, hidden] : [hidden];
  return { inputs: shapes.get("layers.0.weight_ih_l0")?.[1] ?? 0, outputs };
}

/** `nn.LayerNorm`s stand before a recurrent module or before the head, by their sizes. */
function placeNorms(modules: readonly StateModule[], match: Match, known: boolean, shapes: Shapes): void {
  if (modules.length === 0 || modules.length > MOST_MODULES) return;
  const taken = new Set(match.places.values());
  const places = (known ? normsOf(shapes) : normPlaces(match, shapes)).filter(({ place }) => !taken.has(place));
  const alone = known && places.length === 1 && modules.length === 1;
  const size = (module: number) => modules[module]?.parameters.get("weight")?.shape[0] ?? 0;
  const chosen = bestAssignment(places.length, modules.length, (place, module) => (alone || places[place]?.sizes.includes(size(module)) ? 1 : undefined));
  const example = `${quoted(modules[0]?.prefix ?? "")}: "${places[0]?.place ?? "output.norm"}"`;
  if (chosen) place(chosen, modules, places.map(({ place }) => place), match);
  else match.questions.push(`${listed(modules)} may stand in several places (${places.map(({ place }) => place).join(", ")}): give map, such as { ${example} }`);
}

interface NormPlace {
  readonly place: string;
  readonly sizes: readonly number[];
}

function normsOf(shapes: Shapes): NormPlace[] {
  return Array.from(shapes).flatMap(([name, shape]) => (name.endsWith(".norm.weight") ? [{ place: name.slice(0, -".weight".length), sizes: shape }] : []));
}

/** Where norms could stand: `nn.LSTM` and its like have none between layers of their own. */
function normPlaces({ places }: Match, shapes: Shapes): NormPlace[] {
  const firsts = [...places].flatMap(([{ kind }, place]) => (kind === "recurrent" ? [Number(/^layers\.(\d+)$/.exec(place)?.[1] ?? 0)] : []));
  const before = firsts.sort((a, b) => a - b).map((layer) => ({ place: `layers.${layer}.norm`, sizes: shapes.get(`layers.${layer}.weight_ih_l0`)?.slice(1) ?? [] }));
  return [...before, { place: "output.norm", sizes: endsOf(shapes).outputs }];
}

/** Embedding, head and the map to initial states: matrices that differ in shape, in having a bias, and at last in name. */
function placeMatrices(modules: readonly StateModule[], match: Match, known: boolean, shapes: Shapes): void {
  if (modules.length === 0 || modules.length > MOST_MODULES) return;
  const taken = new Set(match.places.values());
  const free = ["embedding", "output", "initial"].filter((role) => !taken.has(role) && (!known || shapes.has(`${role}.weight`) || (role === "output" && shapes.has("output.bias"))));
  const score = known ? knownScore(shapes, free.length === 1 && modules.length === 1) : likelyScore(endsOf(shapes));
  const roles = free.filter((role) => modules.some((module) => score(role, module) !== undefined));
  const chosen = bestAssignment(roles.length, modules.length, (role, module) => score(roles[role] ?? "", modules[module] as StateModule));
  if (chosen) {
    place(chosen, modules, roles, match);
    return;
  }
  const example = `${quoted(modules[0]?.prefix ?? "")}: "${roles[0] ?? "output"}"`;
  match.questions.push(`of ${listed(modules)} several could be ${roles.join(" or ")}: give map, such as { ${example} }; a head of several linear maps is none that a model has`);
}

type Score = (role: string, module: StateModule) => number | undefined;

/** Placing counts more than fitting, so that what does not fit is told as another shape; fitting more than a name. */
function knownScore(shapes: Shapes, alone: boolean): Score {
  return (role, { prefix, parameters }) => {
    const shape = parameters.get("weight")?.shape ?? [];
    const wanted = shapes.get(`${role}.weight`) ?? shapes.get("embedding.weight") ?? [];
    if (role === "embedding" && parameters.has("bias") && !alone) return undefined;
    // A head that shares the embeddings' weight may be there or not.
    const needed = shapes.has(`${role}.weight`) ? 16 : 8;
    return needed + (isSameShape(wanted, shape) ? 4 : 0) + (wanted[1] === shape[1] ? 2 : 0) + named(role, prefix);
  };
}

function likelyScore({ inputs, outputs }: Ends): Score {
  return (role, { prefix, parameters }) => {
    const columns = parameters.get("weight")?.shape[1] ?? 0;
    if (role === "embedding") return !parameters.has("bias") && columns <= inputs ? 8 + (columns === inputs ? 4 : 0) + named(role, prefix) : undefined;
    if (role === "output") return outputs.includes(columns) ? 8 + (columns === outputs[0] ? 4 : 0) : undefined;
    // Nothing in its shape tells what it is for.
    return undefined;
  };
}

function named(role: string, prefix: string): number {
  return role === "embedding" && /emb/i.test(prefix) ? 1 : 0;
}

/** safetensors keeps a head that shares the embeddings' weight as its bias alone, a number for each token. */
function placeBias(modules: readonly StateModule[], matrices: readonly StateModule[], { places }: Match, shapes: Shapes): void {
  const [only, ...others] = modules;
  if (!only || others.length > 0 || [...places.values()].includes("output") || shapes.has("output.weight")) return;
  const embeddings = [...matrices, ...places.keys()].filter(({ parameters }) => !parameters.has("bias"));
  const [length] = only.parameters.get("bias")?.shape ?? [];
  if (embeddings.some(({ parameters }) => parameters.get("weight")?.shape[0] === length)) places.set(only, "output");
}

function place(chosen: readonly (number | undefined)[], modules: readonly StateModule[], places: readonly string[], match: Match): void {
  for (const [index, item] of chosen.entries()) {
    const module = item === undefined ? undefined : modules[item];
    if (module) match.places.set(module, places[index] ?? "");
  }
}

function listed(modules: readonly StateModule[]): string {
  const names = modules.slice(0, 8).map(({ prefix }) => quoted(prefix));
  return names.join(", ") + (modules.length > names.length ? ` and ${modules.length - names.length} more` : "");
}

function quoted(prefix: string): string {
  return /^[A-Za-z_]\w*$/.test(prefix) ? prefix : JSON.stringify(prefix);
}
