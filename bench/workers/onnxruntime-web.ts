// ONNX Runtime's WebAssembly, in Node, as a worker of the benchmark.

import { type OnnxRuntime, openWork } from "./onnxruntime.js";
import { requirePeer } from "./peer-package.js";
import { serve } from "./serve.js";

const ort = requirePeer<OnnxRuntime & { readonly env: { readonly wasm: { numThreads: number } } }>("onnxruntime-web");

await serve((job) => {
  ort.env.wasm.numThreads = job.threads;
  return openWork(ort, { provider: "wasm", fetches: false }, job);
});
