// Gatewise in Node: the native addon, else WebAssembly; files through fs; training of WebAssembly in a worker thread.

import { readFile } from "node:fs/promises";

import { nativeSource } from "../backend/native.js";
import { startNodeWorker } from "../backend/node-worker.js";
import { wasmSource } from "../backend/wasm.js";
import { writeFileAtomically } from "./atomic-write.js";
import { providePlatform } from "../platform.js";

const wasmFile = new URL("../../bindings/wasm/pkg/gatewise_bg.wasm", import.meta.url);

providePlatform({
  backends: [
    nativeSource,
    wasmSource({
      compile: async () => WebAssembly.compile(await readFile(wasmFile)),
      startWorker: startNodeWorker,
    }),
  ],
  readFile: (location) => readFile(location),
  writeFile: writeFileAtomically,
});

export * from "../index.js";
