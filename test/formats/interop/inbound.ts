// Saved models of PyTorch's through `loadPretrained`: what is inferred, what is predicted, and what goes back.

import { isDeepStrictEqual } from "node:util";

import { GatewiseError, type MachineOptions, type Model, type OutputDefinition } from "gatewise";
import { type PyTorchInput, type StateDictOptions, type StoredTensors, encodePyTorch, loadPretrained, readPyTorch, readSafetensors } from "gatewise/formats";

import { sameBits } from "../../facade/support.js";
import { errorOf } from "../../vectors/measure.js";
import type { Conversion } from "../conversions.js";
import type { Case, Cases } from "./cases.js";

/** f32 against float64 results for the same weights: what `design.md` wants. */
export const BOUND = 1e-5;

type AnyModel = Model<OutputDefinition>;

/** What came of loading a case. */
export interface Inbound extends Disposable {
  readonly model: AnyModel;
  /** Whether hints did not do, and the map was asked for. */
  readonly asked: boolean;
}

/** Loads a case with its hints alone; with the map as well if it is asked for. */
export async function load(cases: Cases, one: Case, machine: MachineOptions = {}): Promise<Inbound> {
  const options = { ...one.hints, ...machine };
  try {
    return inboundOf(await loadPretrained<OutputDefinition>(cases.path(one), options), false);
  } catch (error) {
    if (!(error instanceof GatewiseError && error.code === "invalid_option" && error.path === "options.map")) throw error;
    return inboundOf(await loadPretrained<OutputDefinition>(cases.path(one), { ...options, map: one.map }), true);
  }
}

function inboundOf(model: AnyModel, asked: boolean): Inbound {
  return { model, asked, [Symbol.dispose]: () => model.dispose() };
}

/** How far predictions are from PyTorch's. */
export function predictionError(cases: Cases, one: Case, model: AnyModel): number {
  const expected = cases.expected(one);
  return errorOf(model.run(cases.inputs(one), new Float32Array(expected.length)), expected);
}

/** The definition that has to be found, as a model tells it. */
export function definitionOf({ definition: { input, layers, output } }: Case): object {
  return { input: { scaling: "none", ...input }, layers, output, seed: 0 };
}

/** The numbers of a case's file by their plain names, without what wrappers put there. */
export async function tensorsOf(cases: Cases, one: Case): Promise<Map<string, { readonly shape: readonly number[]; readonly data: Float32Array }>> {
  const { form, inside } = one.plan.file;
  const file = form === "safetensors" ? await readSafetensors(cases.path(one)) : await readPyTorch(cases.path(one));
  try {
    const tensors = typeof file.tensors === "function" ? file.tensors(KEYS[inside]) : file.tensors;
    const read = [...tensors].map(async ([name, tensor]) => [name.replace(/^(module\.|_orig_mod\.)+/, ""), { shape: tensor.shape, data: await tensor.read() }] as const);
    return new Map(await Promise.all(read));
  } finally {
    await file.close();
  }
}

/** Where a file holds its state dict. */
const KEYS: Readonly<Record<string, string>> = { "state dict": "", parameters: "", model: "model", state_dict: "state_dict", model_state_dict: "model_state_dict" };

/**
 * The case's tensors whose numbers are not the file's after the way back: out of the model by PyTorch's names, into a `.pt` of the
 * file's type, and read again. Weights of f64 are those of f32 by then.
 */
export async function lostOnTheWayBack(cases: Cases, one: Case, model: AnyModel): Promise<string[]> {
  const { type } = one.plan.file;
  const tensors = await tensorsOf(cases, one);
  const state = await model.stateDict(namesOf(one, [...tensors.keys()]));
  const written = Object.entries(state).map(([name, { shape, data }]): [string, PyTorchInput] => [name, { shape, data, type }]);
  await using file = await opened(encodePyTorch(new Map(written)));
  const lost: string[] = [];
  for (const [name, tensor] of tensors) {
    const back = file.tensors.get(name);
    const same = back?.type === type && back.shape.join() === tensor.shape.join() && sameBits(await back.read(), tensor.data);
    if (!same) lost.push(name);
  }
  return lost;
}

/** How the case's own names are asked for: cells beside modules name each tensor. */
function namesOf({ map, plan: { modules } }: Case, names: readonly string[]): StateDictOptions {
  if (modules.every(({ cells }) => cells)) return { map, cells: true };
  const ofCells = names.flatMap((name): [string, string][] => {
    const [, prefix = "", parameter = ""] = /^(.*)\.((?:weight|bias)_[ih]h)$/.exec(name) ?? [];
    return prefix === "" ? [] : [[name, `${map[prefix]}.${parameter}_l0`]];
  });
  return { map: { ...map, ...Object.fromEntries(ofCells) } };
}

async function opened(bytes: Uint8Array): Promise<{ tensors: StoredTensors } & AsyncDisposable> {
  const file = await readPyTorch(bytes);
  return { tensors: file.tensors(), [Symbol.asyncDispose]: () => file.close() };
}

/** What came of a case. */
export interface Checked {
  readonly asked: boolean;
  /** One for each kind of module that the case has. */
  readonly rows: readonly Conversion[];
  /** What is not as it should be, the error of predictions aside. */
  readonly complaints: readonly string[];
}

/** Loads a case, runs it, sends it back. */
export async function checkInbound(cases: Cases, one: Case): Promise<Checked> {
  try {
    using loaded = await load(cases, one);
    const { model, asked } = loaded;
    const rows = rowsOf(one, predictionError(cases, one, model));
    const lost = await lostOnTheWayBack(cases, one, model);
    const found = [
      ...(asked && !one.open ? ["the map was asked for"] : []),
      ...(isDeepStrictEqual(plain(model.definition), plain(definitionOf(one))) ? [] : [`another definition was found: ${JSON.stringify(model.definition)}`]),
      ...(lost.length > 0 ? [`changed on the way back: ${lost.join(", ")}`] : []),
    ];
    return { asked, rows, complaints: found.map((complaint) => told(one, complaint)) };
  } catch (error) {
    return { asked: false, rows: [], complaints: [told(one, String(error))] };
  }
}

/** What is undefined is not there. */
function plain(value: object): unknown {
  return JSON.parse(JSON.stringify(value));
}

function told({ name, plan }: Case, complaint: string): string {
  return `case ${name}: ${complaint}: ${JSON.stringify(plan)}`;
}

function rowsOf({ plan: { modules, file } }: Case, error: number): Conversion[] {
  const kinds = modules.map(({ cell, cells, bidirectional, bias, projection, activation, norm }) => {
    const options = [
      ...(cells ? ["as cells"] : []),
      ...(bias ? [] : ["bias: false"]),
      ...(projection === undefined ? [] : ["projection"]),
      ...(activation === "relu" ? ["activation: relu"] : []),
      ...(norm ? ["inputNorm"] : []),
    ];
    return { format: file.form, direction: "in" as const, cell, bidirectional, options: options.join(", "), type: file.type, error };
  });
  return distinct(kinds);
}

/** Without those that are as another. */
export function distinct<One>(all: readonly One[]): One[] {
  return [...new Map(all.map((one) => [JSON.stringify(one), one])).values()];
}
