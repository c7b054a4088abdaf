// Opens a file of torch.save, whichever of its formats it is in.

import { type FileSource, openSeekable } from "../../data/readers/source.js";
import type { StoredTensors } from "../tensors.js";
import { type Contents, readArchive } from "./archive.js";
import { complaintsAbout } from "./complaints.js";
import { readLegacy } from "./legacy.js";
import { type Ranges, rangesOf } from "./ranges.js";
import type { PyTorchRecord } from "./record.js";
import { type PyTorchOptimizer, optimizerOf, stateDictPaths, tensorsOf } from "./state-dicts.js";
import type { PyTorchValue } from "./value.js";

/** An open file of `torch.save`. Tensors are read from it when they are asked for: close it after that. */
export interface PyTorchFile {
  /** All that it holds, as inert data. */
  readonly value: PyTorchValue;
  /** The paths that {@link PyTorchFile.tensors} takes: of each dictionary with tensors in it, "" for the whole value. */
  readonly stateDicts: readonly string[];
  /** The optimizer's state, where the file has one under a usual name (`optimizer`, `optimizer_state_dict`). */
  readonly optimizer: PyTorchOptimizer | undefined;
  /** What `exportPyTorch` wrote of the model beside its tensors; undefined in any other file. */
  readonly record: PyTorchRecord | undefined;
  /**
   * The tensors of a state dict, by name.
   *
   * @param path of the entry that is the state dict: "model", "generator.ema", "" for the whole value; left out, the whole value
   *   or what is under the one usual name (`state_dict`, `model_state_dict`, `model`, `net`, `module`)
   * @throws {GatewiseError} `invalid_option` where there is none, with the paths that there are
   */
  tensors(path?: string): StoredTensors;
  close(): Promise<void>;
}

/**
 * Reads what `torch.save` wrote: state dicts and whole checkpoints, the zip archive of PyTorch 1.6 and later and the format
 * before it. Nothing in the file is ever run: its pickle may ask for what tensors and plain values are made of, and is refused
 * by name if it asks for anything else. Memory stays within a small multiple of the file's size, whatever the file says.
 *
 * Tensors of f64, f32, f16, bf16, integers and booleans are read; complex, sparse and quantised ones are not. NaN is a number like
 * any other here: what loads the numbers into a model decides about it.
 *
 * @param source a path (in browsers an address), a URL, the file's bytes or a `Blob`
 * @throws {GatewiseError} `invalid_file` where the file is cut off, damaged or not PyTorch's; `unsafe_file` where its pickle asks
 *   for more than tensors; `file_access` where it cannot be read
 * @see https://docs.pytorch.org/docs/stable/notes/serialization.html
 *
 * @example
 * ```ts
 * const file = await readPyTorch("checkpoint.pt");
 * for (const [name, tensor] of file.tensors("model")) console.log(name, tensor.shape, await tensor.read());
 * await file.close();
 * ```
 */
export async function readPyTorch(source: FileSource): Promise<PyTorchFile> {
  const file = await openSeekable(source);
  try {
    const { value, record } = await readContents(rangesOf(file, complaintsAbout(file.name)));
    return {
      value,
      stateDicts: stateDictPaths(value),
      optimizer: optimizerOf(value),
      record,
      tensors: (path) => tensorsOf(value, path, { file: file.name, fileBytes: file.size }),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readContents(file: Ranges): Promise<Contents> {
  const { damaged } = file.complaints;
  if (file.size === 0) throw damaged("the file is empty");
  const [first, second] = await file.read(0, Math.min(2, file.size));
  if (first === 0x50 && second === 0x4b) return readArchive(file);
  if (await isTar(file)) {
    throw damaged("it is the tar archive of PyTorch before 0.1.10: load it in Python and save it again with torch.save");
  }
  return { value: await readLegacy(file), record: undefined };
}

/** Whether a header of a tar archive begins the file: its name of the format is at byte 257. */
async function isTar(file: Ranges): Promise<boolean> {
  if (file.size < 512) return false;
  return String.fromCharCode(...(await file.read(257, 262))) === "ustar";
}
