// Values as a file of torch.save: a pickle that asks for nothing but tensors and dictionaries, and their storages beside it.

import { GatewiseError } from "../../../errors.js";
import { countOf } from "../../../shape.js";
import { crc32 } from "../crc32.js";
import { type TensorData, type WrittenType, bytesOf, typesOf, writeNumbers } from "./numbers.js";
import { PickleWriter } from "./pickle.js";
import { type ZipPart, zipOf } from "./zip.js";

/** A tensor to be written. */
export interface PyTorchTensor {
  /** Its sizes, the outermost first; none of a single number. */
  readonly shape: readonly number[];
  /** Its numbers, row-major. Tensors of the same array share their storage, as tied weights do in PyTorch. */
  readonly data: TensorData;
  /** Its dtype; left out, that of the array. A `Float32Array` also becomes f64, f16 or bf16, a `Uint8Array` bool. */
  readonly type?: WrittenType;
}

/**
 * What a file can hold: dictionaries as maps or plain objects, lists as arrays, tuples as frozen arrays. Whole numbers become
 * integers of Python, others floats. A map that has only tensors, by name, becomes an `OrderedDict`: a state dict.
 */
export type PyTorchInput =
  | null
  | boolean
  | number
  | bigint
  | string
  | PyTorchTensor
  | readonly PyTorchInput[]
  | ReadonlyMap<string | number, PyTorchInput>
  | { readonly [name: string]: PyTorchInput };

/** Python's own pickler goes no deeper by default. */
const DEEPEST = 500;

const STORAGES: Readonly<Record<WrittenType, string>> = {
  f64: "DoubleStorage",
  f32: "FloatStorage",
  f16: "HalfStorage",
  bf16: "BFloat16Storage",
  i64: "LongStorage",
  i32: "IntStorage",
  i16: "ShortStorage",
  i8: "CharStorage",
  u8: "ByteStorage",
  bool: "BoolStorage",
};

const [MARK, EMPTY_TUPLE, TUPLE, EMPTY_LIST, APPENDS, EMPTY_DICT, SETITEMS, REDUCE, BINPERSID] = [0x28, 0x29, 0x74, 0x5d, 0x65, 0x7d, 0x75, 0x52, 0x51];

/** The folder in the archive: torch.save takes the file's name, which bytes do not have. */
const FOLDER = "archive";

/**
 * The bytes of a file that `torch.load(path, weights_only=True)` reads: those of the zip archive of PyTorch 1.6 and later. The same
 * value gives the same bytes. Takes memory for the file once beside the tensors.
 *
 * @param value a state dict, or a checkpoint that has some
 * @throws {GatewiseError} `invalid_option` with the path of what cannot stand there; `not_expressible` beyond 4 GB
 * @see https://docs.pytorch.org/docs/stable/generated/torch.load.html
 *
 * @example
 * ```ts
 * const bytes = encodePyTorch({ model: { weight: { shape: [1, 2], data: Float32Array.of(1, 2) } }, epoch: 3 });
 * await writeFile("checkpoint.pt", bytes); // torch.load("checkpoint.pt")["model"]
 * ```
 */
export function encodePyTorch(value: PyTorchInput): Uint8Array<ArrayBuffer> {
  return encodeArchive(value, new Map());
}

/** The same with records of others beside the pickle, by their names: PyTorch reads none but its own. */
export function encodeArchive(value: PyTorchInput, records: ReadonlyMap<string, Uint8Array>): Uint8Array<ArrayBuffer> {
  const encoder = new Encoder();
  encoder.value(value, "value", 0);
  const pickle = encoder.pickle.finish();
  const parts: ZipPart[] = [
    textPart("data.pkl", pickle),
    textPart("byteorder", new TextEncoder().encode("little")),
    ...Array.from(records, ([name, bytes]) => textPart(name, bytes)),
    ...encoder.storages.map(storagePart),
    textPart("version", new TextEncoder().encode("3\n")),
  ];
  return zipOf([...parts, serializationId(parts)]);
}

function textPart(name: string, bytes: Uint8Array): ZipPart {
  return { name: `${FOLDER}/${name}`, size: bytes.length, write: (target) => target.set(bytes) };
}

function storagePart({ data, type }: Storage, key: number): ZipPart {
  const write = (target: Uint8Array<ArrayBuffer>) => writeNumbers(data, type, target);
  return { name: `${FOLDER}/data/${key}`, size: bytesOf(type, data.length), write };
}

/** Twenty digits of the records' names and twenty of their bytes, as torch.save's own: the same for the same file. */
function serializationId(parts: readonly ZipPart[]): ZipPart {
  const digits = (checksum: number) => String(checksum).padStart(20, "0");
  const encoder = new TextEncoder();
  const names = crc32(encoder.encode(parts.map(({ name }) => name).join("\n")));
  const write = (target: Uint8Array, checksums: readonly number[]) => {
    const bytes = crc32(encoder.encode(checksums.join()));
    target.set(encoder.encode(digits(names) + digits(bytes)));
  };
  return { name: `${FOLDER}/.data/serialization_id`, size: 40, write };
}

interface Storage {
  readonly data: TensorData;
  readonly type: WrittenType;
}

class Encoder {
  readonly pickle = new PickleWriter();
  readonly storages: Storage[] = [];
  readonly #keys = new Map<TensorData, Map<WrittenType, number>>();

  value(value: PyTorchInput, path: string, depth: number): void {
    if (depth > DEEPEST) throw new GatewiseError("invalid_option", path, `this is nested more than ${DEEPEST} deep, or holds itself`);
    if (value === null || typeof value === "boolean") this.pickle.constant(value);
    else if (typeof value === "string") this.pickle.string(value);
    else if (typeof value === "number") this.pickle.number(value);
    else if (typeof value === "bigint") this.#bigint(value, path);
    else if (isArray(value)) this.#array(value, path, depth);
    else if (isTensor(value)) this.#tensor(value, path);
    else this.#dictionary(entriesOf(value, path), path, depth);
  }

  #bigint(value: bigint, path: string): void {
    if (this.pickle.integer(value) === false) throw new GatewiseError("invalid_option", path, "this integer has more than 255 bytes");
  }

  #array(items: readonly PyTorchInput[], path: string, depth: number): void {
    const tuple = Object.isFrozen(items);
    if (tuple) this.pickle.bytes(MARK);
    else this.pickle.bytes(EMPTY_LIST, MARK);
    for (const [index, item] of items.entries()) this.value(item, `${path}[${index}]`, depth + 1);
    this.pickle.bytes(tuple ? TUPLE : APPENDS);
  }

  #dictionary(entries: readonly (readonly [string | number, PyTorchInput])[], path: string, depth: number): void {
    const isStateDict = entries.length > 0 && entries.every(([name, value]) => typeof name === "string" && isTensor(value));
    if (isStateDict) this.#orderedDict();
    else this.pickle.bytes(EMPTY_DICT);
    if (entries.length === 0) return;
    this.pickle.bytes(MARK);
    for (const [name, value] of entries) {
      if (typeof name === "string") this.pickle.string(name);
      else if (Number.isSafeInteger(name)) this.pickle.integer(name);
      else throw new GatewiseError("invalid_option", path, `the keys of a dictionary are strings or whole numbers, not ${String(name)}`);
      this.value(value, `${path}.${name}`, depth + 1);
    }
    this.pickle.bytes(SETITEMS);
  }

  #orderedDict(): void {
    this.pickle.global("collections", "OrderedDict");
    this.pickle.bytes(EMPTY_TUPLE, REDUCE);
  }

  /** `_rebuild_tensor_v2(storage, 0, size, stride, False, OrderedDict())` */
  #tensor({ shape, data, type: wanted }: PyTorchTensor, path: string): void {
    const type = writtenType(data, wanted, path);
    const count = countOf(shape);
    if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0) || count !== data.length) {
      throw new GatewiseError("shape_mismatch", path, `its shape [${shape.join(", ")}] has ${count} numbers, its data ${data.length}`);
    }
    this.pickle.global("torch._utils", "_rebuild_tensor_v2");
    this.pickle.bytes(MARK);
    this.#storage({ data, type });
    this.pickle.integer(0);
    this.#sizes(shape);
    this.#sizes(shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * Math.max(size, 1), 1)));
    this.pickle.constant(false);
    this.#orderedDict();
    this.pickle.bytes(TUPLE, REDUCE);
  }

  /** The persistent id `("storage", type, key, "cpu", numbers)`. */
  #storage(storage: Storage): void {
    const keys = this.#keys.get(storage.data) ?? new Map<WrittenType, number>();
    this.#keys.set(storage.data, keys);
    const key = keys.get(storage.type) ?? this.storages.push(storage) - 1;
    keys.set(storage.type, key);
    this.pickle.bytes(MARK);
    this.pickle.string("storage");
    this.pickle.global("torch", STORAGES[storage.type]);
    this.pickle.string(String(key));
    this.pickle.string("cpu");
    this.pickle.integer(storage.data.length);
    this.pickle.bytes(TUPLE, BINPERSID);
  }

  #sizes(sizes: readonly number[]): void {
    this.pickle.bytes(MARK);
    for (const size of sizes) this.pickle.integer(size);
    this.pickle.bytes(TUPLE);
  }
}

function isArray(value: PyTorchInput): value is readonly PyTorchInput[] {
  return Array.isArray(value);
}

/** A dictionary may well have entries `shape` and `data`, but not this one of numbers. */
function isTensor(value: PyTorchInput): value is PyTorchTensor {
  return typeof value === "object" && value !== null && "data" in value && ArrayBuffer.isView(value.data) && "shape" in value && Array.isArray(value.shape);
}

function entriesOf(value: unknown, path: string): [string | number, PyTorchInput][] {
  if (value instanceof Map) return [...(value as ReadonlyMap<string | number, PyTorchInput>)];
  const prototype: unknown = typeof value === "object" && value !== null ? Object.getPrototypeOf(value) : undefined;
  if (prototype === Object.prototype || prototype === null) return Object.entries(value as Record<string, PyTorchInput>);
  const message = "a PyTorch file holds maps, arrays, numbers, strings, booleans, null and tensors ({ shape, data }): this is something else";
  throw new GatewiseError("invalid_option", path, message);
}

function writtenType(data: TensorData, wanted: WrittenType | undefined, path: string): WrittenType {
  const types = typesOf(data);
  const type = wanted ?? types[0];
  if (type !== undefined && types.includes(type)) return type;
  const can = types.length > 0 ? `can be written as ${types.join(", ")}, not as ${String(wanted)}` : "has no dtype in PyTorch's storages";
  throw new GatewiseError("not_expressible", path, `a ${Object.prototype.toString.call(data).slice(8, -1)} ${can}`);
}
