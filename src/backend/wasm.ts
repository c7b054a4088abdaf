// The WebAssembly build as a backend. Every model, and every trainer, has an instance and so a memory of its own: a trap
// in one cannot harm another, and dropping the instance gives its memory back. Knows nothing of the runtime around it:
// that hands in how to get the module and how to start a worker.

import type { MachineDescription } from "../generated/core.js";
import { fromJson } from "../json.js";
import { nextTurn } from "../event-loop.js";
import type { Backend, BackendSource, TrainerHandle, TrainingJob } from "./backend.js";
import type { BindingLoading, BindingModel, BindingModule } from "./binding.js";
import { openTrainer } from "./direct-trainer.js";
import { type StartWorker, openTrainerInWorker } from "./worker-trainer.js";

/**
 * What the WebAssembly build's glue exports. Not in binding.ts, which the package's declarations lead to: without the DOM's
 * types, as in many Node projects, TypeScript knows no `WebAssembly`.
 */
export interface WasmGlue {
  /** A fresh instance with a memory of its own. */
  instantiate(module: WebAssembly.Module): WasmInstance;
}

/** A binding, and the memory in which all that it has made lies. */
interface WasmInstance extends BindingModule {
  readonly memory: WebAssembly.Memory;
}

/** A model whose weights can be found in its instance's memory. */
interface WasmModel extends BindingModel {
  /** Where in bytes they begin, and how many numbers they are. They never move. */
  weightsPlace(): Uint32Array;
}

/** What a runtime provides for WebAssembly. */
export interface WasmHost {
  /** Reads and compiles `bindings/wasm/pkg/gatewise_bg.wasm`. */
  compile(): Promise<WebAssembly.Module>;
  /** Loads what starts the worker that trains; undefined where there are no workers. */
  readonly workerStarter: (() => Promise<StartWorker>) | undefined;
}

/** WebAssembly on the given runtime. The module is compiled once. */
export function wasmSource(host: WasmHost): BackendSource {
  let compiled: Promise<WebAssembly.Module> | undefined;
  return {
    name: "wasm",
    remedy: "reinstall the package, or run `npm run build:wasm` in a checkout of Gatewise",
    async open(): Promise<Backend> {
      // The literal is what bundlers follow. Both loads may fail; a failed compilation is tried again next time.
      const glue: WasmGlue = await import("#wasm");
      compiled ??= host.compile();
      const module = await compiled.catch((error: unknown) => {
        compiled = undefined;
        throw error;
      });
      return wasmBackend(glue, module, host);
    },
  };
}

function wasmBackend(glue: WasmGlue, module: WebAssembly.Module, { workerStarter }: WasmHost): Backend {
  return {
    name: "wasm",
    machine: fromJson<MachineDescription>(glue.instantiate(module).machine()),
    createModel: (definition, machine) => {
      const { Model, memory } = glue.instantiate(module);
      return lasting(new Model(definition, machine), memory);
    },
    startLoading: (beginning, fileLength) => {
      const { Loading, memory } = glue.instantiate(module);
      const loading = new Loading(beginning, fileLength);
      return lastingOnceFinished(loading, memory);
    },
    createLayer: (definition, options, machine) => new (glue.instantiate(module).Layer)(definition, options, machine),
    // Each by an instance of its own, which is dropped: what a header takes of memory goes with it.
    readHeader: (beginning, fileLength) => glue.instantiate(module).readHeader(beginning, fileLength),
    writeHeader: (json) => glue.instantiate(module).writeHeader(json),
    createTrainer: async (job) =>
      workerStarter ? openTrainerInWorker(await workerStarter(), module, job) : openTrainerInSlices(glue, module, job),
  };
}

/**
 * The model, whose weights are read where they lie: after a trap, when nothing of the instance can be called any more, its memory
 * is still there.
 */
function lasting(model: BindingModel, memory: WebAssembly.Memory): BindingModel {
  const [address, length] = (model as WasmModel).weightsPlace();
  const weights = (): Float32Array => new Float32Array(memory.buffer, address, length).slice();
  return Object.assign(model, { weights });
}

function lastingOnceFinished(loading: BindingLoading, memory: WebAssembly.Memory): BindingLoading {
  return {
    begin: () => loading.begin(),
    take: (bytes) => loading.take(bytes),
    finish: (machine) => lasting(loading.finish(machine), memory),
    dispose: () => loading.dispose(),
  };
}

/** Trains on the calling thread: after each slice the event loop has its turn. */
function openTrainerInSlices(glue: WasmGlue, module: WebAssembly.Module, job: TrainingJob): TrainerHandle {
  const trainer = openTrainer(glue.instantiate(module), job);
  return {
    begun: trainer.begun,
    giveChunk: (chunk, data) => trainer.giveChunk(chunk, data),
    async advance(batches) {
      await nextTurn();
      return trainer.advance(batches);
    },
    weights: (spare) => trainer.weights(spare),
    bestWeights: () => trainer.bestWeights(),
    optimizer: () => trainer.optimizer(),
    checkpoint: () => trainer.checkpoint(),
    dispose: () => trainer.dispose(),
  };
}
