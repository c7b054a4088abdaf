// Gatewise in browsers: WebAssembly, trained in a worker where there are workers; files are fetched, never written.

import { startBrowserWorker } from "../backend/browser-worker.js";
import { wasmSource } from "../backend/wasm.js";
import { providePlatform } from "../platform.js";

async function download(location: string | URL): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(location);
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** Makes this runtime the one that Gatewise runs on. A function, so that no bundler takes it for a module without effect. */
export function provideBrowser(): void {
  providePlatform({
    backends: [
      wasmSource({
        // Bundlers follow this literal and carry the file along.
        compile: async () =>
          WebAssembly.compile(await download(new URL("../../bindings/wasm/pkg/gatewise_bg.wasm", import.meta.url))),
        workerStarter: typeof Worker === "undefined" ? undefined : async () => startBrowserWorker,
      }),
    ],
    readFile: download,
    files: async () => (await import("./browser-files.js")).browserFiles,
  });
}
