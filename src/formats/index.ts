// `gatewise/formats`: models and tensors in the files of others.

export type { StoredTensor, StoredTensors, TensorType } from "./tensors.js";
export { type OnnxOptions, exportOnnx } from "./onnx/export.js";
export { type PyTorchFile, type PyTorchMap, type PyTorchOptimizer, type PyTorchValue, readPyTorch, withoutWrappers } from "./pytorch/index.js";
