// The native addon as a backend. Node only; knows nothing of WebAssembly or of the choice between the two.

import type { MachineDescription } from "../generated/core.js";
import { fromJson } from "../json.js";
import type { Backend, BackendSource } from "./backend.js";
import type { BindingModule } from "./binding.js";
import { openTrainer } from "./direct-trainer.js";

/** The native addon: every core of the machine and its widest vectors. */
export const nativeSource: BackendSource = {
  name: "native",
  remedy: "reinstall the package on this platform, or run `npm run build:native` in a checkout of Gatewise",
  async open(): Promise<Backend> {
    // Loaded when it is asked for: where the addon is missing, the import throws, and WebAssembly may do.
    const binding: BindingModule = await import("#native");
    return {
      name: "native",
      machine: fromJson<MachineDescription>(binding.machine()),
      createModel: (definition, machine) => new binding.Model(definition, machine),
      startLoading: (beginning, fileLength) => new binding.Loading(beginning, fileLength),
      createLayer: (definition, options, machine) => new binding.Layer(definition, options, machine),
      readHeader: (beginning, fileLength) => binding.readHeader(beginning, fileLength),
      writeHeader: (json) => binding.writeHeader(json),
      // The addon's trainer runs on a thread of Node's pool: its `advance` is a promise by itself.
      createTrainer: async (job) => openTrainer(binding, job),
    };
  },
};
