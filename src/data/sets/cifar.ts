// CIFAR-10's binary version (Krizhevsky 2009; www.cs.toronto.edu/~kriz/cifar.html): records of a label and 3 × 32 × 32 bytes,
// the red ones first, then green and blue, each row by row.

import { GatewiseError } from "../../errors.js";
import { invalidFile } from "../readers/errors.js";
import { type StreamSource, allBytes } from "../readers/source.js";
import { type ImageOptions, checkImageOptions, imageSet } from "./images.js";
import type { ImageSet } from "./labelled.js";

const CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"] as const;

const [SIDE, COLOURS] = [32, 3] as const;
const PIXELS = SIDE * SIDE * COLOURS;
const RECORD = 1 + PIXELS;

/**
 * CIFAR-10 as sequences of rows: of each image 32 steps of 96 numbers, its row in red, in green and in blue side by side.
 *
 * @param files `data_batch_1.bin` to `data_batch_5.bin`, or `test_batch.bin`, out of `cifar-10-binary.tar.gz` from
 * https://www.cs.toronto.edu/~kriz/cifar.html; each of them gzipped or not
 * @param options the scaling, the classes' names, and how many images
 * @throws {GatewiseError} `invalid_file` where a file is not made of such records or ends early; `file_access`; `empty_data`;
 * `invalid_option`
 *
 * @example
 * ```ts
 * const train = await readCifar10(["data_batch_1.bin", "data_batch_2.bin"], { scaling: "standard" });
 * const test = await readCifar10("test_batch.bin", { scaling: train.scaling });
 * ```
 */
export async function readCifar10(files: StreamSource | readonly StreamSource[], options: ImageOptions = {}): Promise<ImageSet> {
  checkImageOptions(options);
  const { limit = Infinity, classes = CLASSES } = options;
  const parts: Uint8Array[] = [];
  let n = 0;
  for (const source of Array.isArray(files) ? (files as readonly StreamSource[]) : [files as StreamSource]) {
    if (n >= limit) break;
    const { name, bytes } = await allBytes(source);
    const records = checkRecords(name, bytes, classes);
    const taken = Math.min(records, limit - n);
    parts.push(bytes.subarray(0, taken * RECORD));
    n += taken;
  }
  if (n === 0) throw new GatewiseError("empty_data", "files", "there are no images: give at least one file that has some");
  const labels = new Uint8Array(n);
  const pixels = new Uint8Array(n * PIXELS);
  let image = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length; at += RECORD, image++) {
      labels[image] = part[at] as number;
      rowsOf(part.subarray(at + 1, at + RECORD), pixels.subarray(image * PIXELS));
    }
  }
  return imageSet(pixels, [n, SIDE, SIDE * COLOURS], labels, { ...options, classes });
}

/** How many records there are. */
function checkRecords(name: string, bytes: Uint8Array, classes: readonly string[]): number {
  if (bytes.length % RECORD !== 0) {
    const message = `it ends early, or is not in CIFAR-10's binary version: it has ${bytes.length} bytes, and a record has ${RECORD}`;
    throw invalidFile(name, { row: Math.floor(bytes.length / RECORD) }, message);
  }
  const records = bytes.length / RECORD;
  for (let record = 0; record < records; record++) {
    const label = bytes[record * RECORD] as number;
    if (label >= classes.length) throw invalidFile(name, { row: record }, `there is no class ${label}: there are ${classes.length}`);
  }
  return records;
}

/** From [colour, row, column] to [row, colour, column]. */
function rowsOf(image: Uint8Array, into: Uint8Array): void {
  for (let colour = 0; colour < COLOURS; colour++) {
    for (let row = 0; row < SIDE; row++) {
      const from = (colour * SIDE + row) * SIDE;
      into.set(image.subarray(from, from + SIDE), (row * COLOURS + colour) * SIDE);
    }
  }
}
