// The closed list of Python's names that a pickle may ask for, and what each makes here: inert data. Whatever is not in it is
// refused by name. The list is that of PyTorch's own restricted reader (torch/_weights_only_unpickler.py) as far as tensors
// and the numbers around them need it, and NumPy's scalars, which checkpoints keep as their best score.

import type { TensorType } from "../../tensors.js";
import { numpyScalar, numpyType } from "./numpy.js";
import { ARRAY_BYTES, type Call, ENTRY_BYTES, Global, MAP_BYTES, type Operand } from "./operands.js";
import { rebuildParameter, rebuildTensor, rebuildTensorV2, rebuildTensorV3 } from "./rebuild.js";

const STORAGES: Readonly<Record<string, TensorType>> = {
  DoubleStorage: "f64",
  FloatStorage: "f32",
  HalfStorage: "f16",
  BFloat16Storage: "bf16",
  LongStorage: "i64",
  IntStorage: "i32",
  ShortStorage: "i16",
  CharStorage: "i8",
  ByteStorage: "u8",
  BoolStorage: "bool",
};

/** Names without a meaning here beyond themselves. */
const DTYPES =
  "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint64 uint32 uint16 uint8 bool complex128 complex64".split(" ");

/** A dictionary: empty, or of pairs, as Python 2 wrote them. */
const dictionary: Call = (args, { charge }) => {
  const [pairs = []] = args;
  if (args.length > 1 || !Array.isArray(pairs)) return undefined;
  charge(MAP_BYTES + pairs.length * ENTRY_BYTES);
  const map = new Map<Operand, Operand>();
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2 || typeof pair[0] !== "string") return undefined;
    map.set(pair[0], pair[1] as Operand);
  }
  return map;
};

/** `Counter({…})`: the dictionary itself, which nobody else has a use for. */
const counter: Call = (args, context) => (args.length === 1 && args[0] instanceof Map ? args[0] : dictionary(args, context));

/** `defaultdict(list)`: what it would put in for a missing key is of no use to data. */
const defaultDictionary: Call = ([factory, ...rest], context) =>
  factory === undefined || factory === null || factory instanceof Global ? dictionary(rest, context) : undefined;

/** `set([…])` and `torch.Size((…))`: an array. */
const collection: Call = ([items, ...rest]) => (Array.isArray(items) && rest.length === 0 ? items : undefined);

/** `_codecs.encode("…", "latin1")`: how protocol 2 keeps bytes. */
const latin1: Call = ([text, encoding, ...rest], { charge }) => {
  if (typeof text !== "string" || (encoding !== "latin1" && encoding !== "latin-1") || rest.length > 0) return undefined;
  charge(ARRAY_BYTES + text.length);
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code > 0xff) return undefined;
    bytes[index] = code;
  }
  return bytes;
};

/** `bytes()` and `bytearray(…)`. */
const bytes: Call = ([given, ...rest]) => {
  if (rest.length > 0) return undefined;
  return given === undefined ? new Uint8Array(0) : given instanceof Uint8Array ? given : undefined;
};

/** `torch.device("cuda", 0)`: its name. */
const device: Call = ([kind, index, ...rest]) => {
  if (typeof kind !== "string" || rest.length > 0) return undefined;
  return index === undefined ? kind : typeof index === "number" ? `${kind}:${index}` : undefined;
};

const BUILTINS: Readonly<Record<string, Call | undefined>> = {
  set: collection,
  frozenset: collection,
  bytearray: bytes,
  bytes,
  // As what a defaultdict makes; never called.
  dict: undefined,
  list: undefined,
  int: undefined,
  float: undefined,
};

const CALLS: Readonly<Record<string, Readonly<Record<string, Call | undefined>>>> = {
  collections: { OrderedDict: dictionary, Counter: counter, defaultdict: defaultDictionary },
  builtins: BUILTINS,
  // Protocol 2 keeps Python 2's names.
  __builtin__: BUILTINS,
  _codecs: { encode: latin1 },
  torch: { Size: collection, device },
  "torch._utils": {
    _rebuild_tensor: rebuildTensor,
    _rebuild_tensor_v2: rebuildTensorV2,
    _rebuild_tensor_v3: rebuildTensorV3,
    _rebuild_parameter: rebuildParameter,
    _rebuild_parameter_with_state: rebuildParameter,
  },
  numpy: { dtype: numpyType },
  "numpy.core.multiarray": { scalar: numpyScalar },
  "numpy._core.multiarray": { scalar: numpyScalar },
};

const LISTED: ReadonlyMap<string, ReadonlyMap<string, Operand>> = listed();

function listed(): Map<string, Map<string, Operand>> {
  const modules = new Map<string, Map<string, Operand>>();
  const add = (module: string, name: string, value: Operand) => {
    const names = modules.get(module) ?? new Map<string, Operand>();
    modules.set(module, names.set(name, value));
  };
  for (const [module, calls] of Object.entries(CALLS)) {
    for (const [name, call] of Object.entries(calls)) add(module, name, new Global(module, name, { call }));
  }
  for (const [name, type] of Object.entries(STORAGES)) add("torch", name, new Global("torch", name, { storage: type }));
  add("torch.storage", "UntypedStorage", new Global("torch.storage", "UntypedStorage", { storage: "bytes" }));
  add("torch", "UntypedStorage", new Global("torch", "UntypedStorage", { storage: "bytes" }));
  for (const name of DTYPES) add("torch", name, `torch.${name}`);
  return modules;
}

/** What stands for `module.name`; undefined where it is not listed. Both must be as listed: `torch` has no `_utils._rebuild_tensor_v2`. */
export function listedGlobal(module: string, name: string): Operand | undefined {
  return LISTED.get(module)?.get(name);
}
