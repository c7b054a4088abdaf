// The container of torch.save before 1.6, and of `_use_new_zipfile_serialization=False` since: five pickles (a magic number, the
// protocol's version, the machine, the value, the keys of its storages), then each storage as its count and its numbers.

import type { PyTorchValue } from "./value.js";
import { BYTES } from "../numbers.js";
import { EndOfPickle } from "./pickle/bytes.js";
import { type Operand, type StorageBytes, StorageView, isCount, isTuple } from "./pickle/operands.js";
import { type PickleContext, unpickle } from "./pickle/unpickle.js";
import type { Ranges } from "./ranges.js";
import { type StorageId, storageOf } from "./storage-id.js";
import { tensorIn } from "./tensor.js";

const MAGIC_NUMBER = 0x1950a86a20f9469cfc6cn;
const PROTOCOL_VERSION = 1001;

/** Bytes that are read at first, and how much more where the pickles are longer. */
const FIRST_CHUNK = 1 << 16;
const GROWTH = 4;

/** A storage whose place in the file is known once all pickles have been read. */
class LegacyStorage implements StorageBytes {
  readonly name: string;
  readonly bytesEach: number;
  readonly length: number;
  readonly #file: Ranges;
  start: number | undefined;

  constructor(key: string, bytesEach: number, length: number, file: Ranges) {
    this.name = `storage ${key}`;
    this.bytesEach = bytesEach;
    this.length = length;
    this.#file = file;
  }

  get size(): number {
    return this.length * this.bytesEach;
  }

  async read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    if (this.start === undefined || end > this.size) throw this.#file.complaints.damaged("it ends before what is looked for in it", this.name);
    return this.#file.read(this.start + start, this.start + end, this.name);
  }
}

interface Pickles {
  readonly value: PyTorchValue;
  readonly keys: PyTorchValue;
  readonly storages: ReadonlyMap<string, LegacyStorage>;
  /** Where the storages begin. */
  readonly end: number;
}

/** The value that a file of the legacy format holds. */
export async function readLegacy(file: Ranges): Promise<PyTorchValue> {
  const { value, keys, storages, end } = await readPickles(file);
  await place(storages, keys, end, file);
  return value;
}

/** Nothing says how long the pickles are: more of the file is read as long as they go on. */
async function readPickles(file: Ranges): Promise<Pickles> {
  for (let size = Math.min(FIRST_CHUNK, file.size); ; size = Math.min(size * GROWTH, file.size)) {
    const bytes = await file.read(0, size);
    try {
      return runPickles(bytes, file);
    } catch (error) {
      if (!(error instanceof EndOfPickle)) throw error;
      if (size === file.size) throw file.complaints.damaged("its pickle ends in the middle: the file was cut off, get it again", undefined, error);
    }
  }
}

function runPickles(bytes: Uint8Array, file: Ranges): Pickles {
  const { complaints } = file;
  const storages = new Map<string, LegacyStorage>();
  const context: PickleContext = {
    complaints,
    tensor: (storage, layout, type) => tensorIn(storage, layout, type, file),
    persistent: (id) => persistentStorage(id, storages, file),
  };
  let end = 0;
  const next = () => {
    const read = unpickle({ bytes, start: end }, context);
    ({ end } = read);
    return read.value;
  };
  const notLegacy = "it is neither the zip archive nor the older format that torch.save writes: give a .pt or .pth file of PyTorch";
  if (bytes[0] !== 0x80) throw complaints.damaged(notLegacy);
  if (next() !== MAGIC_NUMBER) throw complaints.damaged(notLegacy);
  const version = next();
  if (version !== PROTOCOL_VERSION) {
    const found = typeof version === "number" ? String(version) : "none";
    throw complaints.damaged(`its version is ${found}, and ${PROTOCOL_VERSION} is the only one`);
  }
  // The machine that wrote it: storages have their lowest byte first on each.
  next();
  const value = next();
  return { value, keys: next(), storages, end };
}

/** `("storage", type, key, location, numbers, view)`, where the view is None or a part of that storage: `(key, offset, numbers)`. */
function persistentStorage(id: readonly Operand[], storages: Map<string, LegacyStorage>, file: Ranges): StorageView | undefined {
  const named = id.length === 6 ? storageOf(id) : undefined;
  if (!named) return undefined;
  const bytesEach = named.type === "bytes" ? 1 : BYTES[named.type];
  const known = storages.get(named.key) ?? new LegacyStorage(named.key, bytesEach, named.length, file);
  storages.set(named.key, known);
  if (named.length * bytesEach > known.size) throw file.complaints.damaged("two references to this storage differ in its size", known.name);
  return viewOf(id[5], named, bytesEach, known);
}

function viewOf(view: Operand | undefined, { type, length }: StorageId, bytesEach: number, bytes: StorageBytes): StorageView | undefined {
  if (view === null) return new StorageView(type, length, 0, bytes);
  if (!isTuple(view) || view.length !== 3 || typeof view[0] !== "string") return undefined;
  const [, offset, count] = view;
  if (!isCount(offset) || !isCount(count) || offset + count > length) return undefined;
  return new StorageView(type, count, offset * bytesEach, bytes);
}

/** Finds each storage behind the pickles, in the order of the keys: 8 bytes with its count, then its numbers. */
async function place(storages: ReadonlyMap<string, LegacyStorage>, keys: PyTorchValue, end: number, file: Ranges): Promise<void> {
  const { damaged } = file.complaints;
  if (!Array.isArray(keys)) throw damaged("the keys of its storages are no list");
  let at = end;
  for (const key of keys as readonly PyTorchValue[]) {
    const storage = typeof key === "string" ? storages.get(key) : undefined;
    if (!storage || storage.start !== undefined) throw damaged("the keys of its storages are not those that its tensors lie in");
    const head = await file.read(at, at + 8, storage.name);
    const count = Number(new DataView(head.buffer, head.byteOffset, 8).getBigInt64(0, true));
    if (count !== storage.length) throw damaged(`it has ${count} numbers where the pickle says ${storage.length}`, storage.name);
    storage.start = at + 8;
    at += 8 + storage.size;
    if (at > file.size) throw damaged("the file ends before it does: it was cut off, get it again", storage.name);
  }
  const missing = [...storages.values()].find(({ start }) => start === undefined);
  if (missing) throw damaged("the storage of a tensor is not in the file", missing.name);
}
