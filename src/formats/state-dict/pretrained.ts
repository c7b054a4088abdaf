// Models out of the weights of others: the definition is inferred or given, the model made, the weights put in.

import { type FileSource, isFile } from "../../data/readers/source.js";
import { createModel, loadModel } from "../../model/create.js";
import { GatewiseError } from "../../errors.js";
import type { DefinitionOf, ModelDefinition } from "../../model/definition.js";
import type { Model } from "../../model/model.js";
import type { OutputDefinition, OutputOf } from "../../model/outputs.js";
import { countOf } from "../../shape.js";
import { validated } from "../../validate.js";
import type { StoredTensor } from "../tensors.js";
import { type GivenTensors, type OpenState, openState } from "./given.js";
import { type Hints, type PretrainedOptions, hintsSchema, pretrainedSchema } from "./hints.js";
import { inferFrom } from "./infer.js";
import { type ModuleMap, type RenamedState, renameState } from "./map.js";
import { OURS, loadRecorded, ownNames } from "./recorded.js";

/** What {@link inferDefinition} found. */
export interface Inferred<Out extends OutputDefinition = OutputDefinition> {
  readonly definition: ModelDefinition<Out>;
  /** Where each module belongs, for `loadStateDict`. */
  readonly map: ModuleMap;
}

/**
 * The definition of the network whose weights a file holds, out of their names and shapes: the kinds of layers, their number,
 * sizes, directions and projections, embeddings (tied ones too), layer normalisation, and the sizes of input and head. What
 * they do not tell is asked for by an error that names the hint: what the outputs mean and which steps they come from, the
 * activation of `nn.RNN`, numbers beside an embedding, and where modules belong that fit in several places.
 *
 * @param source a safetensors or `.pt` file, or tensors by name
 * @param hints what names and shapes do not tell
 * @throws {GatewiseError} `invalid_option` with the path of the hint that is needed, such as `options.output`; `state_mismatch`
 * where the tensors are of another network than a model can be; `invalid_file`, `unsafe_file`, `file_access`
 *
 * @example
 * ```ts
 * const { definition, map } = await inferDefinition("speakers.pt", { output: { classes: ["a", "b", "c"], at: "last" } });
 * console.log(definition.layers); // [{ cell: "lstm", units: 64, bidirectional: true }, …]
 * console.log(map); // { rnn: "layers", fc: "output" }
 * ```
 */
export async function inferDefinition<const Out extends OutputDefinition = OutputDefinition>(source: FileSource | GivenTensors, hints: Hints<Out> = {}): Promise<Inferred<Out>> {
  validated(hintsSchema, hints, "options");
  const state = await openState(source, hints.path);
  try {
    const renamed = renameState(state.tensors, hints.map ?? {}, undefined);
    return { definition: (await inferFrom(renamed, hints)) as ModelDefinition<Out>, map: renamed.map };
  } finally {
    await state.close();
  }
}

/**
 * A model with the weights of a file, of PyTorch's or ours: its definition is inferred as {@link inferDefinition} does, unless it
 * is given or the file holds it: what {@link Model.save} and {@link exportPyTorch} wrote needs no hint, and takes none.
 *
 * @param source a safetensors or `.pt` file, or tensors by name
 * @param options hints, or the definition; and what the model runs on
 * @returns the model, ready to predict and to be trained on
 * @throws {GatewiseError} as `inferDefinition` and `createModel`; `not_finite` where weights are NaN or infinite
 *
 * @example
 * ```ts
 * const model = await loadPretrained("speakers.pt", { output: { classes: ["a", "b", "c"], at: "last" } });
 * const [{ label }] = await model.predict({ x, shape: [1, 20, 12] });
 * ```
 */
export async function loadPretrained<const Out extends OutputDefinition = OutputDefinition>(
  source: FileSource | GivenTensors,
  options: PretrainedOptions<Out> = {},
): Promise<Model<OutputOf<Out>>> {
  validated(pretrainedSchema, options, "options");
  const { definition, backend, threads, ...hints } = options;
  const machine = { backend, ...(threads !== undefined && { threads }) };
  const state = await openState(source, hints.path);
  try {
    if (definition === undefined && state.metadata.has(OURS) && isFile(source)) {
      assertNoHints(hints);
      return (await loadModel<OutputDefinition>(source, machine)) as unknown as Model<OutputOf<Out>>;
    }
    if (definition === undefined && state.record) {
      assertNoHints(hints);
      return (await loadRecorded(state.tensors, state.record, machine)) as unknown as Model<OutputOf<Out>>;
    }
    const named = hints.map || hints.path !== undefined ? state : ofItsNames(state);
    const model = definition ? await createModel(definition as DefinitionOf<Out>, machine) : undefined;
    return await filled(named, hints, machine, model);
  } finally {
    await state.close();
  }
}

/** The tensors under the names that the file itself tells, where it does. */
function ofItsNames(state: OpenState): OpenState {
  return state.record ? { ...state, tensors: ownNames(state.tensors, state.record) } : state;
}

async function filled<Out extends OutputDefinition>(state: OpenState, hints: Hints<Out>, machine: object, made: Model<OutputOf<Out>> | undefined): Promise<Model<OutputOf<Out>>> {
  let model = made;
  try {
    const wanted = model && new Map(Object.entries(model.parameters()).map(([name, { shape }]) => [name, shape]));
    const renamed = renameState(state.tensors, hints.map ?? {}, wanted);
    model ??= await createModel((await inferFrom(renamed, hints)) as unknown as DefinitionOf<Out>, machine);
    await model.loadStateDict(withBiases(renamed, model), { strict: hints.strict !== false });
    return model;
  } catch (error) {
    model?.dispose();
    throw error;
  }
}

/** The tensors under our names, with zeros in the place of biases that PyTorch's modules can do without and ours cannot. */
function withBiases<Out extends OutputDefinition>({ tensors }: RenamedState, model: Model<OutputOf<Out>>): Map<string, StoredTensor> {
  const all = new Map(Array.from(tensors, ([name, { tensor }]) => [name, tensor]));
  for (const [name, { shape }] of Object.entries(model.parameters())) {
    const weight = name.replace(/bias$/, "weight");
    const optional = name === "output.bias" || name === "initial.bias" || name.endsWith(".norm.bias");
    const tied = name === "output.bias" && all.has("embedding.weight");
    if (!optional || all.has(name) || !(all.has(weight) || tied)) continue;
    all.set(name, { shape, type: "f32", read: async () => new Float32Array(countOf(shape)) });
  }
  return all;
}

function assertNoHints(hints: object): void {
  const given = Object.entries(hints).find(([, value]) => value !== undefined)?.[0];
  if (given === undefined) return;
  throw new GatewiseError("invalid_option", `options.${given}`, `this file holds its own definition: leave ${given} out, or give a whole definition instead`);
}
