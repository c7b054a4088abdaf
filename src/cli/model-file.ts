// Model files as commands are given them.

import type { MachineOptions } from "../backend/open.js";
import { GatewiseError } from "../errors.js";
import { loadModel } from "../model/create.js";
import type { Model } from "../model/model.js";
import type { OutputDefinition } from "../model/outputs.js";

/** `loadModel`, whose errors name the file. */
export function openModel(path: string, machine: MachineOptions = {}): Promise<Model<OutputDefinition>> {
  return namingFile(path, () => loadModel<OutputDefinition>(path, machine));
}

/** What is wrong with the file at `path`, or with reading it, names it. */
export async function namingFile<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof GatewiseError) || (error.code !== "invalid_file" && error.code !== "file_access")) throw error;
    throw new GatewiseError(error.code, path, error.message, { cause: error });
  }
}
