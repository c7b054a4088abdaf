// Tiny Shakespeare as sequences of characters, each of which has the next one as its target.

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

/** A text as places in its alphabet. */
export interface Text {
  /** Every character there is, in the order of their codes. */
  readonly alphabet: readonly string[];
  /** The text, cut after nine tenths. */
  readonly training: Uint8Array;
  readonly validation: Uint8Array;
}

/** Characters of the text and for each the one that follows: two rows of `n` times `steps`. */
export interface Windows {
  readonly n: number;
  readonly steps: number;
  readonly tokens: Uint8Array;
  readonly targets: Uint8Array;
}

export function readText(): Text {
  const text = gunzipSync(readFileSync(new URL("data/tinyshakespeare.txt.gz", import.meta.url))).toString("latin1");
  const alphabet = [...new Set(text)].toSorted();
  const places = new Map(alphabet.map((character, place) => [character, place]));
  const tokens = Uint8Array.from(text, (character) => places.get(character) ?? 0);
  const cut = Math.floor(tokens.length * 0.9);
  return { alphabet, training: tokens.subarray(0, cut), validation: tokens.subarray(cut) };
}

/** A prime near the golden section of a million: its multiples, modulo the text's length, are spread evenly over it. */
const STRIDE = 618_041;

/** What training sees, in this order; `shakespeare.py` makes the same. */
export function trainingWindows(text: Uint8Array, n: number, steps: number): Windows {
  return windows(text, n, steps, (index) => (index * STRIDE) % (text.length - steps));
}

/** The whole text, one window after the other; what is left at its end is left out. */
export function validationWindows(text: Uint8Array, steps: number): Windows {
  return windows(text, Math.floor((text.length - 1) / steps), steps, (index) => index * steps);
}

function windows(text: Uint8Array, n: number, steps: number, startOf: (index: number) => number): Windows {
  const [tokens, targets] = [new Uint8Array(n * steps), new Uint8Array(n * steps)];
  for (let index = 0; index < n; index++) {
    const start = startOf(index);
    tokens.set(text.subarray(start, start + steps), index * steps);
    targets.set(text.subarray(start + 1, start + 1 + steps), index * steps);
  }
  return { n, steps, tokens, targets };
}
