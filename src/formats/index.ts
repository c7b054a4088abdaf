// `gatewise/formats`: models and tensors in the files of others.

export { type OnnxOptions, exportOnnx } from "./onnx/export.js";
export { optimizerFromPyTorch } from "./optimizer-state/from-pytorch.js";
export { optimizerToPyTorch } from "./optimizer-state/to-pytorch.js";
export {
  type PyTorchFile,
  type PyTorchInput,
  type PyTorchMap,
  type PyTorchOptimizer,
  type PyTorchRecord,
  type PyTorchTensor,
  type PyTorchValue,
  type TensorData,
  type WrittenType,
  encodePyTorch,
  readPyTorch,
  withoutWrappers,
} from "./pytorch/index.js";
export { encodeSafetensors, readSafetensors } from "./safetensors.js";
export { exportPyTorch } from "./state-dict/export.js";
export { inferDefinition, loadPretrained } from "./state-dict/pretrained.js";

export type { FileSource } from "../data/readers/source.js";
export type { FromPyTorchOptions, OptimizerOfPyTorch } from "./optimizer-state/from-pytorch.js";
export type { OptimizerHere, StateDictTensor, StateDictValue, ToPyTorchOptions } from "./optimizer-state/to-pytorch.js";
export type { SafetensorsFile, TensorToWrite } from "./safetensors.js";
export type { ExportOptions, OptimizerToExport } from "./state-dict/export.js";
export type { GivenTensor, GivenTensors } from "./state-dict/given.js";
export type { Hints, LayerHints, PretrainedOptions } from "./state-dict/hints.js";
export type { LoadStateOptions } from "./state-dict/load.js";
export type { ModuleMap } from "./state-dict/map.js";
export type { Inferred } from "./state-dict/pretrained.js";
export type { LoadedState } from "./state-dict/stage.js";
export type { StateDictOptions } from "./state-dict/write.js";
export type { StoredTensor, StoredTensors, TensorType } from "./tensors.js";
