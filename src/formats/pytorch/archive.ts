// The zip container of torch.save (PyTorch 1.6 and later): a folder of any name with `data.pkl`, the storages `data/0`, …, and
// records about them; of a model of ours, one more (record.ts).

import type { PyTorchValue } from "./value.js";
import { quoted } from "./complaints.js";
import { EndOfPickle } from "./pickle/bytes.js";
import { type Operand, StorageView, isCount } from "./pickle/operands.js";
import { type PickleContext, unpickle } from "./pickle/unpickle.js";
import { BYTES } from "../numbers.js";
import type { Ranges } from "./ranges.js";
import { type PyTorchRecord, RECORD, readRecord } from "./record.js";
import { storageOf } from "./storage-id.js";
import { tensorIn } from "./tensor.js";
import { openZip } from "./zip.js";
import type { ZipEntry } from "./zip-entry.js";

type Entries = ReadonlyMap<string, ZipEntry>;

/** Of the container, as torch.save has counted them up so far (caffe2/serialize/versions.h). */
const NEWEST_VERSION = 10;

/** A record longer than this is none of the small ones. */
const LONGEST_RECORD = 64;

/** What a zip archive of torch.save holds. */
export interface Contents {
  readonly value: PyTorchValue;
  readonly record: PyTorchRecord | undefined;
}

/** The value that a zip archive of torch.save holds, and the record of a model of ours. */
export async function readArchive(file: Ranges): Promise<Contents> {
  const entries = await openZip(file);
  const folder = findFolder(entries, file);
  await checkRecords(entries, folder, file);
  const value = await readValue(entries, folder, file);
  const entry = entries.get(`${folder}/${RECORD}`);
  return { value, record: entry && (await readRecord(entry, file.complaints)) };
}

async function readValue(entries: Entries, folder: string, file: Ranges): Promise<PyTorchValue> {
  const pickle = entries.get(`${folder}/data.pkl`) as ZipEntry;
  const { complaints } = file;
  const at = pickle.name;
  const bytes = await pickle.whole();
  const context: PickleContext = {
    complaints,
    tensor: (storage, layout, type) => tensorIn(storage, layout, type, file),
    persistent: (id) => persistentStorage(id, entries, folder, file),
  };
  try {
    const { value, end } = unpickle({ bytes, start: 0, packed: pickle.packed, at }, context);
    if (end !== bytes.length) throw complaints.damaged("something comes after the end of its pickle", at);
    return value;
  } catch (error) {
    if (error instanceof EndOfPickle) throw complaints.damaged("its pickle ends in the middle: get the file again", at, error);
    throw error;
  }
}

/** The folder that holds `data.pkl`. */
function findFolder(entries: Entries, { complaints: { damaged } }: Ranges): string {
  const folders = [...entries.keys()].flatMap((name) => /^([^/]+)\/data\.pkl$/.exec(name)?.[1] ?? []);
  const [folder, ...others] = folders;
  if (folder === undefined) {
    const message = "it is a zip archive without the data.pkl of torch.save: give a file that torch.save(model.state_dict()) wrote";
    throw damaged(message);
  }
  if (others.length > 0) throw damaged(`the zip archive has ${folders.length} data.pkl, in "${quoted(folder)}" and elsewhere`);
  if (entries.has(`${folder}/constants.pkl`)) {
    throw damaged("it is TorchScript, a program: load it by torch.jit.load in Python and save its state_dict() by torch.save");
  }
  return folder;
}

/** Fails where the records say that the numbers are not as they are read here. */
async function checkRecords(entries: Entries, folder: string, { complaints: { damaged } }: Ranges): Promise<void> {
  const record = async (name: string) => {
    const entry = entries.get(`${folder}/${name}`);
    if (!entry) return undefined;
    if (entry.size > LONGEST_RECORD) throw damaged("this record is too long", entry.name);
    return String.fromCharCode(...(await entry.whole()));
  };
  const order = await record("byteorder");
  if (order !== undefined && order !== "little") {
    const message = order === "big" ? "its numbers have their highest byte first: load and save it on a little-endian machine" : "it is neither little nor big";
    throw damaged(message, `${folder}/byteorder`);
  }
  const version = await record("version");
  if (version !== undefined && !(/^\d+\n?$/.test(version) && Number(version) >= 1 && Number(version) <= NEWEST_VERSION)) {
    throw damaged(`it is of version ${JSON.stringify(version)}, and 1 to ${NEWEST_VERSION} are known`, `${folder}/version`);
  }
}

/** `("storage", type, key, location, numbers)`: the entry `data/key`. */
function persistentStorage(id: readonly Operand[], entries: Entries, folder: string, { complaints: { damaged } }: Ranges): StorageView | undefined {
  const named = id.length === 5 ? storageOf(id) : undefined;
  if (!named) return undefined;
  const name = `${folder}/data/${named.key}`;
  const entry = entries.get(name);
  if (!entry) throw damaged("the storage of a tensor is not in the file: get the file again", name);
  const { type, length } = named;
  if (!isCount(length) || length * (type === "bytes" ? 1 : BYTES[type]) > entry.size) {
    throw damaged(`a storage of ${length} numbers is longer than its entry of ${entry.size} bytes`, name);
  }
  return new StorageView(type, length, 0, entry);
}
