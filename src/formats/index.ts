// `gatewise/formats`: models and tensors in the files of others.

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
export { optimizerFromPyTorch } from "./optimizer-state/from-pytorch.js";
export { optimizerToPyTorch } from "./optimizer-state/to-pytorch.js";

export type { FromPyTorchOptions, OptimizerOfPyTorch } from "./optimizer-state/from-pytorch.js";
export type { OptimizerHere, StateDictValue, ToPyTorchOptions } from "./optimizer-state/to-pytorch.js";
export type { StoredTensor, StoredTensors, TensorType } from "./tensors.js";
