// The backend that someone asked for, and what of the machine it may use: for models and layers alike.

import { toJson } from "../json.js";
import { currentPlatform } from "../platform.js";
import { type BackendRequest, type Choice, chooseBackend } from "./choose.js";

/** What a model or a layer runs on. No part of it: nothing here is saved. */
export interface MachineOptions {
  /** `"auto"`, which is the fastest that is there, unless given. `backend` of the model or layer tells what it came to, and why. */
  readonly backend?: BackendRequest | undefined;
  /** Threads, at least 1; as many as are worthwhile unless given. The results do not depend on it. */
  readonly threads?: number | undefined;
}

/** The backend, why it is this one, and the JSON of the core's `MachineOptions`. */
export async function openBackend(options: MachineOptions): Promise<Choice & { readonly machine: string }> {
  const { backend: asked = "auto", ...machineOptions } = options;
  const choice = await chooseBackend(currentPlatform().backends, asked);
  // WebAssembly runs on one thread and refuses more, which is right for who asked for it, but not for who got it.
  const tooMany = asked === "auto" && choice.backend.name === "wasm" && Number(machineOptions.threads) > 1;
  return { ...choice, machine: toJson(tooMany ? { ...machineOptions, threads: 1 } : machineOptions) };
}
