// The native engine against PyTorch and ONNX Runtime: inference, forward and backward, training steps, streaming steps.

import { type Contest, contestSuite } from "../comparison.js";
import { QUICK_SHAPES, SHAPES, STREAMING_SHAPES } from "../shapes.js";

const BATCHES = [
  { operation: "inference", backend: "native", peers: ["pytorch", "onnxruntime-node"] },
  // Without Node: the TypeScript API gives whole steps, whose gradients stay in the core.
  { operation: "forward and backward", backend: "core", peers: ["pytorch"] },
  { operation: "training step", backend: "native", peers: ["pytorch"] },
] as const;

export const native = contestSuite("native", contests);

function contests(quick: boolean): Contest[] {
  const shapes = quick ? QUICK_SHAPES : SHAPES;
  const batches = BATCHES.flatMap(({ operation, backend, peers }) =>
    [1, 2].flatMap((threads) => shapes.map((shape): Contest => ({ suite: "native", operation, backend, peers, shape, threads }))),
  );
  const streams = STREAMING_SHAPES.map((shape): Contest => {
    return { suite: "native", operation: "streaming step", backend: "native", shape, threads: 1, peers: ["onnxruntime-node", "pytorch"] };
  });
  return [...batches, ...streams];
}
