// Images as sequences of rows: what the readers of MNIST and CIFAR-10 share. Knows no file's format.

import { GatewiseError } from "../../errors.js";
import type { ImageSet } from "./labelled.js";

/** How images are read. */
export interface ImageOptions {
  /**
   * How bytes become numbers: `"unit"`, from 0 to 1; `"none"`, from 0 to 255; `"standard"`, with mean 0 and deviation 1 over all
   * bytes of the file; or (byte − mean) / deviation, such as the training part's. `"unit"` unless given.
   */
  readonly scaling?: "unit" | "none" | "standard" | { readonly mean: number; readonly deviation: number } | undefined;
  /** The names of the classes, in the order of their numbers in the file. */
  readonly classes?: readonly string[] | undefined;
  /** How many images, from the file's beginning. All of them unless given. */
  readonly limit?: number | undefined;
}

/** @throws {GatewiseError} `invalid_option` */
export function checkImageOptions({ scaling, limit, classes }: ImageOptions): void {
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit > 0)) {
    throw new GatewiseError("invalid_option", "options.limit", "limit must be a whole number above 0");
  }
  if (classes !== undefined && new Set(classes).size !== classes.length) {
    throw new GatewiseError("invalid_option", "options.classes", "classes must be a list of names, no two alike");
  }
  if (scaling === undefined || scaling === "unit" || scaling === "none" || scaling === "standard") return;
  if (Number.isFinite(scaling?.mean) && scaling?.deviation > 0) return;
  const message = 'scaling is "unit", "none", "standard" or { mean, deviation } with a deviation above 0';
  throw new GatewiseError("invalid_option", "options.scaling", message);
}

/** The scaling of these bytes, [n, rows, columns]. */
export function scalingOf(bytes: Uint8Array, scaling: ImageOptions["scaling"] = "unit"): ImageSet["scaling"] {
  if (typeof scaling === "object") return { mean: scaling.mean, deviation: scaling.deviation };
  if (scaling !== "standard") return { mean: 0, deviation: scaling === "unit" ? 255 : 1 };
  // Whole numbers below 2^53: exact up to 138 thousand million bytes.
  let [sum, squares] = [0, 0];
  for (const byte of bytes) {
    sum += byte;
    squares += byte * byte;
  }
  const mean = sum / bytes.length;
  // Images that are all one grey stay 0.
  return { mean, deviation: Math.sqrt(Math.max(0, squares / bytes.length - mean * mean)) || 1 };
}

/** Scaled images. `bytes` are [n, steps, features], as they shall be read. */
export function imageSet(
  bytes: Uint8Array,
  shape: ImageSet["shape"],
  labels: Uint8Array,
  { scaling: asked, classes = [] }: ImageOptions,
): ImageSet {
  const scaling = scalingOf(bytes, asked);
  const { mean, deviation } = scaling;
  const scaled = Float32Array.from({ length: 256 }, (_, byte) => (byte - mean) / deviation);
  const x = new Float32Array(bytes.length);
  for (let index = 0; index < bytes.length; index++) x[index] = scaled[bytes[index] as number] as number;
  const targets = Array.from(labels, (label) => classes[label] as string);
  return { x, shape, lengths: new Uint32Array(shape[0]).fill(shape[1]), targets, classes, scaling };
}
