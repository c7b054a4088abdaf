// Copies blocks of features into the arrays that models read: x, tokens, statics. Knows nothing of how they came to be.

import { GatewiseError } from "../../errors.js";
import type { Block } from "./features.js";
import { fillWithLines } from "./fill.js";
import { scaleAll } from "./scalers.js";
import type { Samples } from "./windows.js";

/** Numbers of an array, at most: 4 GiB. */
const MOST_NUMBERS = 2 ** 30;

/** How many numbers a block has at each place; tokens are none. */
export function widthOf(block: Block): number {
  return block.kind === "tokens" ? 0 : block.kind === "one-hot" ? block.names.length : 1;
}

export function namesOf(blocks: readonly Block[]): string[] {
  return blocks.flatMap((block) => (block.kind === "tokens" ? [] : block.kind === "one-hot" ? block.names : [block.name]));
}

/**
 * x [n, longest, features], zero in the padding.
 *
 * @param noLine the error of a sample that has no value at all between which lines could be drawn
 */
export function copyNumbers(
  blocks: readonly Block[],
  samples: Samples,
  longest: number,
  noLine: (sample: number, name: string) => GatewiseError,
): Float32Array {
  const features = blocks.reduce((sum, block) => sum + widthOf(block), 0);
  const size = samples.n * longest * features;
  if (size > MOST_NUMBERS) {
    const message = `${samples.n} samples of ${longest} steps and ${features} features are too much at once: prepare less, or a chunk at a time`;
    throw new GatewiseError("out_of_memory", "window", message);
  }
  const x = new Float32Array(size);
  let feature = 0;
  for (const block of blocks) {
    for (let sample = 0; sample < samples.n; sample++) {
      const [from, to] = [samples.from[sample] as number, samples.to[sample] as number];
      const begin = sample * longest * features + feature;
      if (block.kind === "numbers") copyColumn(block.values, from, to, x, begin, features);
      if (block.kind === "one-hot") copyPlaces(block.places, from, to, x, begin, features);
      if (block.kind === "lines") copyColumn(linesOf(block, from, to, () => noLine(sample, block.name)), 0, to - from, x, begin, features);
    }
    feature += widthOf(block);
  }
  return x;
}

type Lines = Extract<Block, { kind: "lines" }>;

/** A sample's values with lines over their gaps, scaled. */
function linesOf({ values, scalers }: Lines, from: number, to: number, noLine: () => GatewiseError): Float64Array {
  const own = values.slice(from, to);
  if (!fillWithLines(own, 0, own.length)) throw noLine();
  return scaleAll(own, scalers);
}

// oxlint-disable-next-line max-params -- two places in two arrays
function copyColumn(values: Float64Array, from: number, to: number, x: Float32Array, begin: number, stride: number): void {
  for (let step = from, at = begin; step < to; step++, at += stride) x[at] = values[step] as number;
}

// oxlint-disable-next-line max-params -- two places in two arrays
function copyPlaces(places: Int32Array, from: number, to: number, x: Float32Array, begin: number, stride: number): void {
  for (let step = from, at = begin; step < to; step++, at += stride) {
    const place = places[step] as number;
    if (place >= 0) x[at + place] = 1;
  }
}

/** Tokens [n, longest], zero in the padding. */
export function copyTokens(places: Int32Array, samples: Samples, longest: number): Uint32Array {
  const tokens = new Uint32Array(samples.n * longest);
  for (let sample = 0; sample < samples.n; sample++) {
    tokens.set(places.subarray(samples.from[sample], samples.to[sample]), sample * longest);
  }
  return tokens;
}
