// How models come to be: from a definition, or from a file. Chooses the backend and hands over.

import type { Backend } from "../backend/backend.js";
import type { BindingModel } from "../backend/binding.js";
import { type BackendAvailability, surveyBackends } from "../backend/choose.js";
import { type MachineOptions, openBackend } from "../backend/open.js";
import type { SavedPipeline } from "../data/pipeline/saved.js";
import { fromBinding } from "../errors.js";
import { toJson } from "../json.js";
import { currentPlatform } from "../platform.js";
import { ModelCore } from "./core.js";
import { type DefinitionOf, defineModel } from "./definition.js";
import { type ModelSource, loadFile } from "./loading.js";
import { Model } from "./model.js";
import type { Output, OutputDefinition, OutputOf } from "./outputs.js";
import { parsePreprocessing } from "./raw-rows.js";

/**
 * A new model with freshly initialised weights, drawn from the definition's seed.
 *
 * @param definition what the model is; `defineModel` gives it its types
 * @param options what it runs on
 * @returns the model, ready to be trained
 * @throws {GatewiseError} `invalid_definition` with a path such as `definition.layers[1].units`; `invalid_option`;
 * `backend_unavailable`; `out_of_memory`
 *
 * @example
 * ```ts
 * const model = await createModel(definition, { backend: "auto", threads: 2 });
 * console.log(model.backend); // { name: "native", isa: "avx512", threads: 2, reason: … }
 * ```
 */
export async function createModel<const Out extends OutputDefinition>(
  definition: DefinitionOf<Out>,
  options: MachineOptions = {},
): Promise<Model<OutputOf<Out>>> {
  const json = toJson(defineModel(definition));
  return openModel<OutputOf<Out>>(options, (backend, machine) => backend.createModel(json, machine));
}

/**
 * A model from a file that `save` wrote, on this backend or the other. The file is read in pieces, which go straight to their places:
 * loading takes as much memory as the file is large, and never holds up the event loop for long.
 *
 * @param source a path (in browsers: an address to fetch), the file's bytes, or a `Blob`. `Out` is what the caller knows of its
 * output, as in {@link Model}: it is not checked.
 * @param options what it runs on
 * @returns the model as it was saved
 * @throws {GatewiseError} `file_access` if it cannot be read; `invalid_file` if it is truncated, damaged or none of
 * Gatewise's; `invalid_option`; `backend_unavailable`; `shared_buffer`; `out_of_memory`
 *
 * @example
 * ```ts
 * const model = await loadModel<"lapsed" | "returning">("orders.safetensors");
 * const forecast = await loadModel<{ values: 1 }>("sales.safetensors");
 * ```
 */
export async function loadModel<Out extends Output = string>(
  source: ModelSource,
  options: MachineOptions = {},
): Promise<Model<Out>> {
  return openModel(options, (backend, machine) => loadFile(source, backend, machine));
}

/**
 * Which backends this runtime has, the fastest first, whether each can be used, and why not if not.
 *
 * @example
 * ```ts
 * for (const { name, available, isa, reason } of await availableBackends()) console.log(name, available, isa, reason);
 * ```
 */
export function availableBackends(): Promise<BackendAvailability[]> {
  return surveyBackends(currentPlatform().backends);
}

async function openModel<Out extends Output>(
  options: MachineOptions,
  open: (backend: Backend, machine: string) => BindingModel | Promise<BindingModel>,
): Promise<Model<Out>> {
  const { backend, reason, machine } = await openBackend(options);
  try {
    const core = new ModelCore(backend, machine, await open(backend, machine));
    const text = core.description.preprocessing;
    return new Model<Out>(core, backend.name, reason, text === null ? undefined : await preprocessingOf(core, text));
  } catch (thrown) {
    throw fromBinding(thrown);
  }
}

async function preprocessingOf(core: ModelCore, text: string): Promise<SavedPipeline> {
  try {
    return await parsePreprocessing(text);
  } catch (error) {
    core.dispose();
    throw error;
  }
}
