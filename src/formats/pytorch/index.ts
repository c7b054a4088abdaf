// PyTorch's files: what the rest of the package uses of this folder.

export { type PyTorchFile, readPyTorch } from "./read.js";
export { type PyTorchRecord, RECORD, encodeRecord } from "./record.js";
export type { PyTorchOptimizer } from "./state-dicts.js";
export { type PyTorchMap, type PyTorchValue, isMap } from "./value.js";
export { withoutWrappers } from "./wrappers.js";
export { type PyTorchInput, type PyTorchTensor, encodeArchive, encodePyTorch } from "./writing/encode.js";
export type { TensorData, WrittenType } from "./writing/numbers.js";
