// A model as a file of PyTorch's: its state dict, its optimiser's where it is given, and a record of all that neither tells.

import * as v from "valibot";

import type { ModelDefinition } from "../../generated/core.js";
import type { Model } from "../../model/model.js";
import type { Output } from "../../model/outputs.js";
import { fields, validated } from "../../validate.js";
import { type OptimizerHere, type ToPyTorchOptions, optimizerToPyTorch } from "../optimizer-state/to-pytorch.js";
import { trainedNames } from "../optimizer-state/trained.js";
import { RECORD, encodeArchive, encodeRecord } from "../pytorch/index.js";
import { mapSchema } from "./hints.js";
import { type StateDictOptions, namesInPyTorch, tensorsUnder } from "./write.js";

/** The optimiser that goes with a model to PyTorch, as `optimizerToPyTorch` takes it. */
export interface OptimizerToExport extends OptimizerHere, ToPyTorchOptions {
  /**
   * Our names of the parameters, in the order of PyTorch's `model.parameters()`. That of {@link Model.parameters} unless given,
   * without the input's scaling, which is no parameter there.
   */
  readonly parameterOrder?: readonly string[] | undefined;
}

/** What {@link exportPyTorch} may be told: the names, as for `stateDict`, and the optimiser. */
export interface ExportOptions extends StateDictOptions {
  /** What `fit` was given and gave. With it the file holds a checkpoint, `{"model": …, "optimizer": …}`, without it the state dict. */
  readonly optimizer?: OptimizerToExport | undefined;
}

const object = v.looseObject({}, "this must be an object");

const optionsSchema = fields({
  map: v.optional(mapSchema),
  cells: v.optional(v.boolean("this must be true or false")),
  optimizer: v.optional(
    fields({
      optimizer: v.optional(object),
      optimizerState: v.optional(object),
      learningRate: v.optional(v.number("this must be a number")),
      parameterOrder: v.optional(v.array(v.string("this must be the name of a parameter"), "this must be a list of names")),
    }),
  ),
});

/**
 * The model as a `.pt` file, which `torch.load(weights_only=True)` reads: its state dict under PyTorch's names, or with `optimizer`
 * the checkpoint `{"model": …, "optimizer": …}`.
 *
 * Beside what PyTorch reads, the file has a record, `gatewise.json`, with the definition, the fitted pipeline and the names: so
 * `loadPretrained` gives the whole model back without a hint. A file that PyTorch has saved again has none. The same model gives
 * the same bytes.
 *
 * @param model stays as it is; while `fit` runs, its last committed weights are taken
 * @param options what modules are called, and the optimiser
 * @returns the file
 * @throws {GatewiseError} `not_expressible` where a layer computes what no module of PyTorch's does, for Lion, and beyond 4 GB;
 * `state_mismatch` where the optimiser's state is of other parameters; `model_disposed`; `invalid_option`
 * @see https://docs.pytorch.org/docs/stable/notes/serialization.html
 *
 * @example
 * ```ts
 * const optimizer = { kind: "adam", learningRate: 1e-3 } as const;
 * const { optimizerState } = await model.fit(data, { optimizer, keepOptimizerState: true });
 * await writeFile("speakers.pt", await exportPyTorch(model, { map: { lstm: "layers", fc: "output" }, optimizer: { optimizer, optimizerState } }));
 * const same = await loadPretrained("speakers.pt"); // definition, weights, classes, preprocessing
 * ```
 * ```python
 * checkpoint = torch.load("speakers.pt", weights_only=True)
 * model.load_state_dict(checkpoint["model"])
 * optimizer.load_state_dict(checkpoint["optimizer"])
 * ```
 */
export async function exportPyTorch<Out extends Output>(
  model: Pick<Model<Out>, "definition" | "preprocessing" | "parameters">,
  options: ExportOptions = {},
): Promise<Uint8Array> {
  validated(optionsSchema, options, "options");
  const { optimizer, ...names } = options;
  const { preprocessing } = model;
  const definition = model.definition as unknown as ModelDefinition;
  const tensors = model.parameters();
  const map = namesInPyTorch(Object.keys(tensors), definition, names);
  const state = tensorsUnder(map, tensors);
  const record = encodeRecord({ definition, preprocessing, map });
  const value = optimizer ? { model: state, optimizer: optimizerOf(optimizer, Object.keys(tensors)) } : state;
  return encodeArchive(value, new Map([[RECORD, record]]));
}

function optimizerOf({ optimizer, optimizerState, learningRate, parameterOrder }: OptimizerToExport, tensors: readonly string[]): ReturnType<typeof optimizerToPyTorch> {
  const order = parameterOrder ?? trainedNames(tensors);
  return optimizerToPyTorch({ optimizer, optimizerState }, order, { learningRate });
}
