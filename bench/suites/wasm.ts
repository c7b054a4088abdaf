// Our WebAssembly in Node, one thread, against onnxruntime-web and TensorFlow.js with its WebAssembly backend.

import { type Contest, contestSuite } from "../comparison.js";
import type { PeerName } from "../peers/peers.js";
import { QUICK_SHAPES, SHAPES, STREAMING_SHAPES, type Shape, forwardOperations } from "../shapes.js";
import type { Operation } from "../workers/protocol.js";

/** Operations of a forward pass beyond which TensorFlow.js would need minutes for a comparison. */
const MOST_OPERATIONS = 3e9;

export const wasm = contestSuite("wasm", (quick) => {
  const shapes = quick ? QUICK_SHAPES : SHAPES;
  const small = (shape: Shape) => isPlain(shape) && forwardOperations(shape) <= MOST_OPERATIONS;
  return [
    ...shapes.map(contest("inference", "onnxruntime-web")),
    ...shapes.filter(small).map(contest("training step", "tfjs")),
    ...STREAMING_SHAPES.map(contest("streaming step", "onnxruntime-web")),
  ];
});

function contest(operation: Operation, peer: PeerName): (shape: Shape) => Contest {
  return (shape) => ({ suite: "wasm", operation, shape, threads: 1, backend: "wasm", peers: [peer] });
}

function isPlain({ layers, bidirectional, ragged }: Shape): boolean {
  return layers === 1 && !bidirectional && !ragged;
}
