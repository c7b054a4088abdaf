// MNIST and what has its format: IDX files of images and of labels (LeCun, Cortes and Burges; yann.lecun.com/exdb/mnist).
//
// An IDX file begins with two zeros, a byte for the type of its values and one for its number of dimensions; then come the
// sizes, 32 bits each, then the values; all with the highest byte first.

import { GatewiseError } from "../../errors.js";
import { countOf } from "../../shape.js";
import { invalidFile } from "../readers/errors.js";
import { type StreamSource, allBytes } from "../readers/source.js";
import { type ImageOptions, checkImageOptions, imageSet } from "./images.js";
import type { ImageSet } from "./labelled.js";

const DIGITS = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"] as const;

/** The type of values that both files have: unsigned bytes. */
const BYTES = 0x08;

/**
 * MNIST, or a set in its format (Fashion-MNIST, KMNIST, EMNIST), as sequences of rows: of each image 28 steps of 28 numbers.
 *
 * @param files the images and their labels: `train-images-idx3-ubyte.gz` and `train-labels-idx1-ubyte.gz`, packed or not, from
 * https://ossci-datasets.s3.amazonaws.com/mnist/ or another mirror
 * @param options the scaling, the classes' names (the ten digits unless given), and how many images
 * @throws {GatewiseError} `invalid_file` where a file is no IDX file of that kind, ends early, or both do not fit each other;
 * `file_access`; `invalid_option`
 *
 * @example
 * ```ts
 * const train = await readMnist({ images: "train-images-idx3-ubyte.gz", labels: "train-labels-idx1-ubyte.gz" });
 * const definition = defineModel({
 *   input: { features: 28 },
 *   layers: [{ cell: "lstm", units: 128 }],
 *   output: { classes: train.classes },
 * });
 * ```
 */
export async function readMnist(
  files: { readonly images: StreamSource; readonly labels: StreamSource },
  options: ImageOptions = {},
): Promise<ImageSet> {
  checkImageOptions(options);
  const { limit = Infinity, classes = DIGITS } = options;
  const images = parseIdx(await allBytes(files.images), 3);
  const labels = parseIdx(await allBytes(files.labels), 1);
  const [count = 0, rows = 0, columns = 0] = images.sizes;
  if (labels.sizes[0] !== count) {
    throw invalidFile(labels.name, {}, `it has ${labels.sizes[0]} labels, ${images.name} has ${count} images: they are not of one set`);
  }
  if (count * rows * columns === 0) throw new GatewiseError("empty_data", images.name, `${images.name} has no images`);
  const n = Math.min(count, limit);
  const wrong = labels.values.subarray(0, n).findIndex((label) => label >= classes.length);
  if (wrong >= 0) {
    const message = `there is no class ${labels.values[wrong]}: there are ${classes.length}; give the set's own in \`classes\``;
    throw invalidFile(labels.name, { row: wrong }, message);
  }
  return imageSet(images.values.subarray(0, n * rows * columns), [n, rows, columns], labels.values.subarray(0, n), { ...options, classes });
}

interface Idx {
  readonly name: string;
  readonly sizes: readonly number[];
  readonly values: Uint8Array;
}

function parseIdx({ name, bytes }: { name: string; bytes: Uint8Array }, dimensions: number): Idx {
  const magic = bytes.subarray(0, 4);
  const expected = [0, 0, BYTES, dimensions];
  if (expected.some((byte, index) => magic[index] !== byte)) {
    const what = dimensions === 3 ? "images (idx3-ubyte)" : "labels (idx1-ubyte)";
    const found = Array.from(magic, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    throw invalidFile(name, {}, `this is no IDX file of ${what}: it begins with ${found || "nothing"}, not 00 00 08 0${dimensions}`);
  }
  const begin = 4 + 4 * dimensions;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < begin) throw invalidFile(name, {}, "it ends early, within its header: get it again");
  const sizes = Array.from({ length: dimensions }, (_, index) => view.getUint32(4 + 4 * index));
  const needed = countOf(sizes);
  const values = bytes.subarray(begin);
  if (values.length === needed) return { name, sizes, values };
  const problem = values.length < needed ? "ends early" : "goes on behind its end";
  throw invalidFile(name, {}, `it ${problem}: its header says ${sizes.join(" × ")} = ${needed} bytes, there are ${values.length}`);
}
