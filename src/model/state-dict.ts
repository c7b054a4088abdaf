// State dicts of PyTorch's into a model and out of it. Their code is loaded when it is first used.

import type { FileSource } from "../data/readers/source.js";
import type { GivenTensors } from "../formats/state-dict/given.js";
import type { LoadStateOptions } from "../formats/state-dict/load.js";
import type { StagedState } from "../formats/state-dict/stage.js";
import type { StateDictOptions } from "../formats/state-dict/write.js";
import { currentPlatform } from "../platform.js";
import type { ModelCore } from "./core.js";
import { type Tensor, namedTensors } from "./parameters.js";

async function loadFormats(): Promise<typeof import("../formats/state-dict/of-model.js")> {
  const formats = await import("../formats/state-dict/of-model.js");
  formats.providePlatform(currentPlatform());
  return formats;
}

/** Reads and checks a state dict, aside of the model. */
export async function readStateDict(core: ModelCore, source: FileSource | GivenTensors, options: LoadStateOptions): Promise<StagedState> {
  return (await loadFormats()).stageFrom(source, options, core.description);
}

/** Puts it into the model, all at once. What was missing stays as it is now. */
export function commitStateDict(core: ModelCore, { weights, missing, allowNotFinite }: StagedState): void {
  const kept = new Set(missing);
  const current = kept.size > 0 ? core.weights : weights;
  for (const { name, offset, length } of core.description.tensors) {
    if (kept.has(name)) weights.set(current.subarray(offset, offset + length), offset);
  }
  core.commit(weights, allowNotFinite);
}

/** The model's tensors under PyTorch's names. */
export async function stateDictOf(core: ModelCore, options: StateDictOptions): Promise<Record<string, Tensor>> {
  core.assertAlive();
  const { toStateDict } = await loadFormats();
  const { tensors, definition } = core.description;
  return toStateDict(namedTensors(tensors, core.weights), definition, options);
}
