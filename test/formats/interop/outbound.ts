// Random models of ours written for PyTorch: as a `.pt` or as safetensors with the names that `model.stateDict` gives. check.py
// loads and runs them.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import * as fc from "fast-check";
import type { Model, ModelDefinition } from "gatewise";
import { type PyTorchInput, encodePyTorch, encodeSafetensors, readPyTorch } from "gatewise/formats";

import { sameBits } from "../../facade/support.js";
import { errorOf } from "../../vectors/measure.js";
import { readSafetensors } from "../../vectors/safetensors.js";
import type { Conversion } from "../conversions.js";
import { type Layer, type NetworkCase, networkCases } from "../random-definition.js";
import { type RandomInputs, randomInputs, randomModel } from "../random-model.js";
import { distinct } from "./inbound.js";

/** What no module of PyTorch's computes; all else that a layer may have, a few lines around its modules do. */
export const NOT_PYTORCHS = ["peepholes", "layerNorm", "coupledGates", "cellClip", "gateActivation", "reset", "zoneout"] as const satisfies readonly (keyof Layer)[];

/** The forms in which models go to PyTorch. */
export const FORMS = ["pt", "safetensors"] as const;
export type Form = (typeof FORMS)[number];

type AnyModel = Model<ModelDefinition["output"]>;

/** A model that has been written, and what it predicts. */
interface Written {
  readonly name: string;
  readonly form: Form;
  readonly network: NetworkCase;
  readonly y: Float32Array;
  readonly state: Readonly<Record<string, { readonly data: Float32Array }>>;
}

/** What came of a model in PyTorch. */
export interface Outbound {
  readonly form: Form;
  readonly network: NetworkCase;
  /** Infinite where PyTorch did not take it. */
  readonly error: number;
  /** Why PyTorch did not take it, or what of it did not come back with the same bits; empty where all is well. */
  readonly complaint: string;
}

/** Random networks, without what PyTorch has no module for. */
export function drawn(count: number, seed: number): NetworkCase[] {
  return fc.sample(networkCases(), { seed, numRuns: count }).map(({ definition, lengths, steps, seed }) => ({ definition: expressible(definition), lengths, steps, seed }));
}

function expressible(definition: ModelDefinition): ModelDefinition {
  const layers = definition.layers.map((layer): Layer => {
    const kept = Object.entries(layer).filter(([field]) => !(NOT_PYTORCHS as readonly string[]).includes(field));
    return Object.fromEntries(kept) as Layer;
  });
  return { ...definition, layers } as ModelDefinition;
}

function outputsOf({ units, projection = units, bidirectional, merge }: Layer): number {
  return projection * (bidirectional === true && (merge ?? "concat") === "concat" ? 2 : 1);
}

/** One layer of each kind that the conversion table has a row of, read at each step. */
export function kinds(): NetworkCase[] {
  const options: Readonly<Record<Layer["cell"], readonly Partial<Layer>[]>> = {
    lstm: [{}, { bias: false }, { projection: 5 }, { residual: true }, { inputNorm: true }],
    gru: [{}, { bias: false }, { residual: true }, { inputNorm: true }],
    rnn: [{}, { bias: false }, { activation: "relu" }, { residual: true }, { inputNorm: true }],
  };
  return (["lstm", "gru", "rnn"] as const).flatMap((cell) =>
    [false, true].flatMap((bidirectional) =>
      [...options[cell], ...(bidirectional ? ([{ merge: "sum" }, { merge: "mean" }] as const) : [])].map((option): NetworkCase => {
        const layer: Layer = { cell, units: 11, ...(bidirectional ? { bidirectional } : {}), ...option };
        const features = layer.residual === true ? outputsOf(layer) : 7;
        return { definition: { input: { features }, layers: [layer], output: { values: 3, at: "each" } }, lengths: [9, 1, 6, 12, 4], steps: 12, seed: 7 };
      }),
    ),
  );
}

/** Two layers that would be one module if nothing stood between them, and two with nothing there. */
export function seams(): NetworkCase[] {
  const layer: Layer = { cell: "gru", units: 6 };
  const both: Layer = { ...layer, bidirectional: true };
  const pairs: readonly (readonly [Layer, Layer])[] = [
    [layer, layer],
    [both, both],
    [{ ...layer, residual: true }, layer],
    [layer, { ...layer, residual: true }],
    [{ ...both, merge: "sum" }, both],
    [both, { ...both, merge: "mean" }],
  ];
  return pairs.map((layers) => ({ definition: { input: { features: 6 }, layers, output: { values: 2, at: "each" } }, lengths: [3, 5, 1], steps: 6, seed: 11 }));
}

/** Rows of the conversion table: one for each kind of layer that the model has. */
export function rowsOfOutbound({ form, network: { definition }, error }: Outbound): Conversion[] {
  const layers: readonly Layer[] = definition.layers;
  return distinct(
    layers.map(({ cell, bidirectional = false, bias, projection, activation, merge, residual, inputNorm }) => {
      const options = [
        ...(bias === false ? ["bias: false"] : []),
        ...(projection === undefined ? [] : ["projection"]),
        ...(activation === "relu" ? ["activation: relu"] : []),
        ...(merge === "sum" || merge === "mean" ? [`merge: ${merge}`] : []),
        ...(residual === true ? ["residual"] : []),
        ...(inputNorm === true ? ["inputNorm"] : []),
      ];
      return { format: form, direction: "out" as const, cell, bidirectional, options: options.join(", "), error };
    }),
  );
}

/** Writes the networks into a folder, each in a form after the other, and what check.py has to know of them. */
export async function write(folder: string, networks: readonly (readonly [Form, NetworkCase])[]): Promise<Written[]> {
  const written: Written[] = [];
  for (const [index, [form, network]] of networks.entries()) {
    const name = String(index).padStart(4, "0");
    using model = await randomModel(network.definition, network.seed);
    const inputs = randomInputs(network);
    const state = await model.stateDict();
    writeFileSync(join(folder, `${name}.${form}`), form === "pt" ? encodePyTorch(state) : await encodeSafetensors(state));
    writeFileSync(join(folder, `${name}.inputs.pt`), encodePyTorch(batchOf(network, inputs)));
    written.push({ name, form, network, y: predictions(model, network, inputs), state });
  }
  const cases = written.map(({ name, form, network: { definition, steps } }) => ({ name, file: `${name}.${form}`, definition, steps }));
  writeFileSync(join(folder, "cases.json"), JSON.stringify(cases));
  return written;
}

function batchOf({ definition: { input }, lengths, steps }: NetworkCase, { x, tokens, statics }: RandomInputs): PyTorchInput {
  const n = lengths.length;
  return {
    lengths: { shape: [n], data: BigInt64Array.from(lengths, BigInt) },
    ...(x && { x: { shape: [n, steps, input.features ?? 0], data: x } }),
    ...(tokens && { tokens: { shape: [n, steps], data: BigInt64Array.from(tokens, BigInt) } }),
    ...(statics && { statics: { shape: [n, input.statics ?? 0], data: statics } }),
  };
}

function predictions(model: AnyModel, { definition: { output }, lengths, steps }: NetworkCase, inputs: RandomInputs): Float32Array {
  const size = "values" in output ? output.values * (output.steps ?? 1) * (output.quantiles?.length ?? 1) : ("classes" in output ? output.classes : output.labels).length;
  return model.run(inputs, new Float32Array(lengths.length * (output.at === "each" ? steps : 1) * size));
}

/** What check.py has found. `failed` is what it printed. */
export async function compare(folder: string, written: readonly Written[], failed: Readonly<Record<string, string>>): Promise<Outbound[]> {
  const { tensors } = readSafetensors(join(folder, "y.safetensors"));
  const results: Outbound[] = [];
  for (const { name, form, network, y, state } of written) {
    const expected = tensors.get(`${name}/y`)?.data;
    const why = failed[name] ?? (await changed(readFileSync(join(folder, `${name}.back.pt`)), state)).map((tensor) => `${tensor} came back changed`).join(", ");
    results.push({ form, network, error: expected ? errorOf(y, expected) : Infinity, complaint: why });
  }
  return results;
}

/** The tensors that PyTorch's own file of the modules does not hold with the same bits. */
async function changed(bytes: Uint8Array, state: Written["state"]): Promise<string[]> {
  const file = await readPyTorch(bytes);
  const tensors = file.tensors();
  const names = new Set([...tensors.keys(), ...Object.keys(state)]);
  const found: string[] = [];
  for (const name of names) {
    const [back, own] = [await tensors.get(name)?.read(), state[name]?.data];
    if (!back || !own || !sameBits(back, own)) found.push(name);
  }
  await file.close();
  return found;
}
