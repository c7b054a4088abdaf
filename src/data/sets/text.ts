// Plain text as sequences of tokens, each with the one that follows as its target: what a model of the next character learns from.

import { GatewiseError } from "../../errors.js";
import { invalidFile } from "../readers/errors.js";
import { isNames } from "../readers/options.js";
import { type StreamSource, allBytes } from "../readers/source.js";

/** How text is read. */
export interface TextOptions {
  /** Steps of each sequence. */
  readonly steps: number;
  /** What a token is: a character (a code point of Unicode) or a byte. `"characters"` unless given. */
  readonly unit?: "characters" | "bytes" | undefined;
  /** The characters that there are, in the order of their tokens. Those of the whole text, in Unicode's order, unless given. */
  readonly vocabulary?: readonly string[] | undefined;
  /** Which part of the text, as parts of its length: [0, 0.9] for the first nine tenths. All of it unless given. */
  readonly part?: readonly [from: number, to: number] | undefined;
}

/** Tokens and what follows each: what `fit` and `evaluate` take of a model with an output `at: "each"`. */
export interface TextSet {
  /** [n, steps] */
  readonly tokens: TokenArray;
  readonly shape: readonly [n: number, steps: number];
  /** [n, steps] The token after each, in the memory of `tokens`. */
  readonly targets: TokenArray;
  /** What each token stands for, for the definition's `output`: characters, or the bytes' numbers. */
  readonly classes: readonly string[];
}

/** As small as the vocabulary allows. */
export type TokenArray = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/**
 * Text as tokens, in sequences that follow each other; what is left at the end and makes no whole sequence is left out.
 *
 * @param source a file in UTF-8 (of bytes, any file), gzipped or not
 * @param options how long sequences are, and what tokens are
 * @throws {GatewiseError} `invalid_file` where the text is no UTF-8 or has a character that is not in `vocabulary`, with its line;
 * `empty_data` where it has no whole sequence; `file_access`; `invalid_option`
 *
 * @example
 * ```ts
 * const train = await readText("tinyshakespeare.txt", { steps: 64, part: [0, 0.9] });
 * const validation = await readText("tinyshakespeare.txt", { steps: 64, part: [0.9, 1] });
 * const definition = defineModel({
 *   input: { tokens: train.classes.length, embedding: 64 },
 *   layers: [{ cell: "lstm", units: 256 }],
 *   output: { classes: train.classes, at: "each" },
 * });
 * ```
 */
export async function readText(source: StreamSource, options: TextOptions): Promise<TextSet> {
  checkOptions(options);
  const { name, bytes } = await allBytes(source);
  const { steps, unit = "characters", part: [from, to] = [0, 1] } = options;
  const { tokens, classes } = unit === "bytes" ? bytesAsTokens(bytes) : charactersAsTokens(name, bytes, options.vocabulary);
  const own = tokens.slice(Math.round(tokens.length * from), Math.round(tokens.length * to)) as TokenArray;
  const n = Math.floor((own.length - 1) / steps);
  if (n < 1) {
    const message = `${own.length} tokens make no sequence of ${steps} steps and the token behind it: give shorter steps or more text`;
    throw new GatewiseError("empty_data", name, `${name}: ${message}`);
  }
  return { tokens: own.subarray(0, n * steps), shape: [n, steps], targets: own.subarray(1, n * steps + 1), classes };
}

function checkOptions(options: TextOptions): void {
  const { steps, unit, vocabulary, part } = options ?? {};
  if (!Number.isSafeInteger(steps) || steps < 1) throw new GatewiseError("invalid_option", "options.steps", "steps must be a whole number above 0");
  if (unit !== undefined && unit !== "characters" && unit !== "bytes") {
    throw new GatewiseError("invalid_option", "options.unit", 'unit is "characters" or "bytes"');
  }
  if (vocabulary !== undefined && (unit === "bytes" || !isNames(vocabulary))) {
    throw new GatewiseError("invalid_option", "options.vocabulary", "vocabulary must be a list of characters, no two alike; bytes have none");
  }
  if (part === undefined || (part.length === 2 && part[0] >= 0 && part[0] < part[1] && part[1] <= 1)) return;
  throw new GatewiseError("invalid_option", "options.part", "part must be [from, to] with 0 ≤ from < to ≤ 1");
}

interface Tokens {
  readonly tokens: TokenArray;
  readonly classes: readonly string[];
}

function bytesAsTokens(bytes: Uint8Array): Tokens {
  return { tokens: Uint8Array.from(bytes), classes: Array.from({ length: 256 }, (_, byte) => String(byte)) };
}

function charactersAsTokens(name: string, bytes: Uint8Array, given: readonly string[] | undefined): Tokens {
  const characters = [...decoded(name, bytes)];
  const classes = given ?? [...new Set(characters)].sort((a, b) => (a.codePointAt(0) ?? 0) - (b.codePointAt(0) ?? 0));
  const known = new Map(classes.map((character, token) => [character, token]));
  const Kind = classes.length <= 0x100 ? Uint8Array : classes.length <= 0x1_0000 ? Uint16Array : Uint32Array;
  const tokens = new Kind(characters.length);
  for (const [index, character] of characters.entries()) {
    const token = known.get(character);
    if (token === undefined) throw unknownCharacter(name, characters, index);
    tokens[index] = token;
  }
  return { tokens, classes };
}

function decoded(name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw invalidFile(name, {}, 'this is no UTF-8: save it as UTF-8, or read it with unit: "bytes"', cause);
  }
}

function unknownCharacter(name: string, characters: readonly string[], index: number): GatewiseError {
  const line = characters.slice(0, index).filter((character) => character === "\n").length + 1;
  return invalidFile(name, { line }, `${JSON.stringify(characters[index])} is not in the vocabulary: add it, or take it out of the text`);
}
