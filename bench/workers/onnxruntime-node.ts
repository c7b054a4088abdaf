// ONNX Runtime's native addon as a worker of the benchmark.

import { type OnnxRuntime, openWork } from "./onnxruntime.js";
import { requirePeer } from "./peer-package.js";
import { serve } from "./serve.js";

const ort = requirePeer<OnnxRuntime>("onnxruntime-node");

await serve((job) => openWork(ort, { provider: "cpu", fetches: true }, job));
