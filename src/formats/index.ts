// `gatewise/formats`: models and tensors in the files of others.

export type { StoredTensor, StoredTensors, TensorType } from "./tensors.js";
export { type OnnxOptions, exportOnnx } from "./onnx/export.js";
export {
  type PyTorchFile,
  type PyTorchInput,
  type PyTorchMap,
  type PyTorchOptimizer,
  type PyTorchTensor,
  type PyTorchValue,
  type TensorData,
  type WrittenType,
  encodePyTorch,
  readPyTorch,
  withoutWrappers,
} from "./pytorch/index.js";
