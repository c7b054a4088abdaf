// The functions of torch/_utils.py that make tensors, as far as data goes: gradients and hooks are none.

import { type TensorType, isStoredTensor } from "../../tensors.js";
import { type Call, type CallContext, type Operand, StorageView, isCount, isTuple } from "./operands.js";

/** Sizes that PyTorch gives a tensor at most. */
const MOST_DIMENSIONS = 64;

/** The types that PyTorch has no typed storage for, beside those that it has. */
const TYPES: ReadonlyMap<string, TensorType> = new Map(Object.entries({
  "torch.float64": "f64",
  "torch.float32": "f32",
  "torch.float16": "f16",
  "torch.bfloat16": "bf16",
  "torch.int64": "i64",
  "torch.int32": "i32",
  "torch.int16": "i16",
  "torch.int8": "i8",
  "torch.uint64": "u64",
  "torch.uint32": "u32",
  "torch.uint16": "u16",
  "torch.uint8": "u8",
  "torch.bool": "bool",
} as const));

function isCounts(operand: Operand | undefined): operand is number[] {
  return isTuple(operand) && operand.length <= MOST_DIMENSIONS && operand.every(isCount);
}

/** `(storage, offset, size, stride)`, as every version has them. `type` is that of the storage where there is none. */
function placed(args: readonly Operand[], context: CallContext, type?: TensorType): Operand | undefined {
  const [storage, offset, shape, strides] = args;
  if (!(storage instanceof StorageView) || !isCount(offset) || !isCounts(shape) || !isCounts(strides)) return undefined;
  if (shape.length !== strides.length) return undefined;
  const own = storage.type === "bytes" ? "u8" : storage.type;
  return context.tensor(storage, { offset, shape, strides }, type ?? own);
}

/** `_rebuild_tensor(storage, offset, size, stride)` of PyTorch before 0.4. */
export const rebuildTensor: Call = (args, context) => (args.length === 4 ? placed(args, context) : undefined);

/** Whether a tensor is what its storage says: lazily negated and conjugated ones are not. */
function isPlain(metadata: Operand | undefined): boolean {
  return metadata === undefined || metadata === null || (metadata instanceof Map && metadata.size === 0);
}

/** `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks, metadata=None)` */
export const rebuildTensorV2: Call = (args, context) =>
  args.length >= 6 && args.length <= 7 && isPlain(args[6]) ? placed(args, context) : undefined;

/** `_rebuild_tensor_v3(storage, offset, size, stride, requires_grad, backward_hooks, dtype, metadata=None)`, over bytes. */
export const rebuildTensorV3: Call = (args, context) => {
  if (args.length < 7 || args.length > 8 || !isPlain(args[7])) return undefined;
  const type = typeof args[6] === "string" ? TYPES.get(args[6]) : undefined;
  return type && placed(args, context, type);
};

/** `_rebuild_parameter(data, requires_grad, backward_hooks)`, and with the attributes that somebody gave it, which are dropped. */
export const rebuildParameter: Call = ([data, ...rest]) =>
  rest.length >= 2 && rest.length <= 3 && isStoredTensor(data) ? data : undefined;
