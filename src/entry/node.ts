// Gatewise in Node: the native addon, else WebAssembly; files through fs; training of WebAssembly in a worker thread.

import { readFile } from "node:fs/promises";

import { nativeSource } from "../backend/native.js";
import { startNodeWorker } from "../backend/node-worker.js";
import { wasmSource } from "../backend/wasm.js";
import { writeFileAtomically } from "./atomic-write.js";
import { providePlatform } from "../platform.js";

// Loaders such as tsx, which run the sources as they are, do not reach into workers: then training takes turns with the
// event loop on this thread, as it does wherever there are no workers.
const compiled = import.meta.url.endsWith(".js");
const wasmFile = new URL("../../bindings/wasm/pkg/gatewise_bg.wasm", import.meta.url);

providePlatform({
  backends: [
    nativeSource,
    wasmSource({
      compile: async () => WebAssembly.compile(await readFile(wasmFile)),
      startWorker: compiled ? startNodeWorker : undefined,
    }),
  ],
  readFile: (location) => readFile(location),
  writeFile: writeFileAtomically,
});

export * from "../index.js";
