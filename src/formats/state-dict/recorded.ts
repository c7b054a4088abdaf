// A model out of a file of PyTorch's that holds our record: its tensors become a file of ours in memory, which the core checks as
// it does any other, before there is room for a single weight.

import type { MachineOptions } from "../../backend/open.js";
import { type ErrorCode, GatewiseError } from "../../errors.js";
import { loadModel } from "../../model/create.js";
import type { Model } from "../../model/model.js";
import type { OutputDefinition } from "../../model/outputs.js";
import { quoted } from "../pytorch/complaints.js";
import type { PyTorchRecord } from "../pytorch/index.js";
import { filled, headerOf } from "../safetensors.js";
import type { StoredTensor, StoredTensors } from "../tensors.js";
import { isSame } from "./infer.js";

/** The key of safetensors' metadata under which our own files hold their definition, and the version of what is there. */
export const OURS = "gatewise";
const VERSION = 1;

/**
 * The model that the record tells of.
 *
 * @param tensors of the model, by the file's names
 * @throws {GatewiseError} `invalid_file` with the record's path where it is of another model, or of none; as `loadModel`
 */
export async function loadRecorded(tensors: StoredTensors, record: PyTorchRecord, machine: MachineOptions): Promise<Model<OutputDefinition>> {
  const bytes = await fileOf(await withoutTwin(ownNames(tensors, record), record), record);
  return blaming(record, ["invalid_file"], () => loadModel<OutputDefinition>(bytes, machine));
}

/** What errors of these codes tell is of the record. */
async function blaming<T>(record: PyTorchRecord, codes: readonly ErrorCode[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof GatewiseError) || !codes.includes(error.code)) throw error;
    throw failure(record, error.path === "" ? error.message : `${quoted(error.path)}: ${error.message}`, error);
  }
}

function failure({ path }: PyTorchRecord, message: string, cause?: unknown): GatewiseError {
  return new GatewiseError("invalid_file", path, `the record ${path}: ${message}`, cause === undefined ? undefined : { cause });
}

/**
 * The tensors under our names: those of the record, each of them once, and no others.
 *
 * @throws {GatewiseError} `invalid_file` with the record's path
 */
export function ownNames(tensors: StoredTensors, record: PyTorchRecord): StoredTensors {
  const names = new Map(Object.entries(record.map));
  const missing = [...names.keys()].find((name) => !tensors.has(name));
  if (missing !== undefined) throw failure(record, `the file has no tensor ${quoted(missing)}, of which this record tells`);
  const ours = new Map<string, StoredTensor>();
  for (const [source, tensor] of tensors) {
    const name = names.get(source);
    if (name === undefined) throw failure(record, `it does not say what the tensor ${quoted(source)} is`);
    if (ours.has(name)) throw failure(record, `it has two tensors that are ${quoted(name)}`);
    ours.set(name, tensor);
  }
  return ours;
}

/** Of a tied head the file holds both names, and a model one. */
async function withoutTwin(tensors: StoredTensors, record: PyTorchRecord): Promise<StoredTensors> {
  const [embedding, head] = [tensors.get("embedding.weight"), tensors.get("output.weight")];
  const output = record.definition["output"] as { readonly tied?: unknown } | undefined;
  if (output?.tied !== true || !embedding || !head) return tensors;
  const [source, other] = [{ source: "embedding.weight", tensor: embedding }, { source: "output.weight", tensor: head }];
  if (!(await isSame(source, other))) throw failure(record, "the output's weight is not the embeddings, as its definition says");
  return new Map([...tensors].filter(([name]) => name !== "output.weight"));
}

/** Our own file of this model. */
async function fileOf(tensors: StoredTensors, record: PyTorchRecord): Promise<Uint8Array> {
  const { definition, preprocessing } = record;
  const saved = { version: VERSION, definition, ...(preprocessing && { preprocessing: JSON.stringify(preprocessing) }) };
  // Refuses names that no file can have.
  const beginning = await blaming(record, ["invalid_option"], () => headerOf(tensors, { [OURS]: JSON.stringify(saved) }));
  return filled(beginning, tensors);
}
