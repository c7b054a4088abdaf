// Gatewise in Node: the native addon, else WebAssembly; files through fs; training of WebAssembly in a worker thread.
//
// The build makes one file of each entry point and all that it imports: each file costs an import half a millisecond, Node's
// own modules up to four. What a program need not have is imported when it is used; the build leaves those files as they are.

import { nativeSource } from "../backend/native.js";
import { wasmSource } from "../backend/wasm.js";
import { providePlatform } from "../platform.js";

// Loaders such as tsx, which run the sources as they are, do not reach into workers: then training takes turns with the
// event loop on this thread, as it does wherever there are no workers.
const compiled = import.meta.url.endsWith(".js");
const wasmFile = new URL("../../bindings/wasm/pkg/gatewise_bg.wasm", import.meta.url);

async function readFile(location: string | URL): Promise<Uint8Array<ArrayBuffer>> {
  const { readFile } = await import("node:fs/promises");
  return readFile(location);
}

/** Makes this runtime the one that Gatewise runs on. A function, so that no bundler takes it for a module without effect. */
export function provideNode(): void {
  providePlatform({
    backends: [
      nativeSource,
      wasmSource({
        compile: async () => WebAssembly.compile(await readFile(wasmFile)),
        workerStarter: compiled ? async () => (await import("../backend/node-worker.js")).startNodeWorker : undefined,
      }),
    ],
    readFile,
    files: async () => (await import("./node-files.js")).nodeFiles,
    async writeFile(location, bytes) {
      const { writeFileAtomically } = await import("./atomic-write.js");
      await writeFileAtomically(location, bytes);
    },
    openDisplay: async (order) => (await import("./terminal.js")).openTerminal(order),
  });
}
