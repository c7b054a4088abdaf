// How a layer by itself comes to be. Chooses the backend and hands over.

import { type MachineOptions, openBackend } from "../backend/open.js";
import { fromBinding } from "../errors.js";
import type * as core from "../generated/core.js";
import { toJson } from "../json.js";
import type { DeepReadonly } from "../model/definition.js";
import { LayerCore } from "./core.js";
import { Layer } from "./layer.js";

/** A layer as data, as in a model's definition. */
export type LayerDefinition = DeepReadonly<core.LayerDefinition>;

/** What goes into a layer, what its first weights come from, and what it runs on. */
export type LayerOptions = DeepReadonly<core.LayerOptions> & MachineOptions;

/**
 * A recurrent layer by itself, with freshly initialised weights drawn from the seed.
 *
 * @param definition what the layer is
 * @param options how many numbers a step go in; the seed, and how the weights start; what it runs on
 * @returns the layer
 * @throws {GatewiseError} `invalid_definition` with a path such as `definition.units`; `invalid_option`;
 * `backend_unavailable`; `out_of_memory`
 *
 * @example
 * ```ts
 * import { createLayer } from "gatewise/layers";
 *
 * using layer = await createLayer({ cell: "lstm", units: 64 }, { inputs: 28, seed: 7 });
 * const { hidden, finalHidden, finalCell } = layer.forward({ x: new Float32Array(2 * 10 * 28), shape: [2, 10, 28] });
 * const gradients = layer.backward({ finalHidden: new Float32Array(2 * 64).fill(1) }); // of the sum of the final states
 * console.log(hidden.length, finalHidden.length, finalCell.length, gradients.parameters["weight_ih_l0"]?.shape); // [256, 28]
 * ```
 */
export async function createLayer<const Definition extends LayerDefinition>(
  definition: Definition,
  options: LayerOptions,
): Promise<Layer<Definition["cell"]>> {
  const { inputs, seed, initialisation, ...machineOptions } = options ?? {};
  const { backend, reason, machine } = await openBackend(machineOptions);
  // What is no object at all is for the core to refuse too.
  const [definitionJson, optionsJson] = [toJson(definition ?? null), toJson({ inputs, seed, initialisation })];
  try {
    const core = new LayerCore(() => backend.createLayer(definitionJson, optionsJson, machine));
    return new Layer<Definition["cell"]>(core, backend.name, reason);
  } catch (thrown) {
    throw fromBinding(thrown);
  }
}
