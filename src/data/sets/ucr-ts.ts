// The UCR/UEA archive's `.ts` files (www.timeseriesclassification.com): series of one or more channels, each with a class.
//
// After a header of `@name value` lines and `@data`, a line is one series: its channels, and at its end its class, have colons
// between them; a channel's numbers have commas; a missing one is `?`. Lines that begin with # or % are comments.

import { invalidFile } from "../readers/errors.js";
import { type StreamSource, allBytes } from "../readers/source.js";
import type { LabelledSet } from "./labelled.js";
import { type Series, type SeriesOptions, checkSeriesOptions, seriesSet } from "./series.js";

/** The header's fields, in small letters, as all are read. */
const FIELDS: ReadonlySet<string> = new Set([
  "problemname", "timestamps", "missing", "univariate", "dimensions", "dimension", "equallength", "serieslength", "classlabel", "targetlabel",
]);

/**
 * A file of the UCR/UEA archive in its `.ts` format.
 *
 * Series of different lengths keep them. What the header says of the data is checked: `@univariate`, `@dimensions`, `@equalLength`,
 * `@seriesLength`, `@missing`, and the names after `@classLabel true`.
 *
 * @param source `GunPoint_TRAIN.ts`, gzipped or not, from https://www.timeseriesclassification.com
 * @param options what to put in the place of missing values
 * @throws {GatewiseError} `invalid_file` with the line, where the file is not what its header says, has timestamps
 * (`@timestamps true`) or numbers instead of classes (`@targetLabel true`); `empty_data`; `file_access`; `invalid_option`
 *
 * @example
 * ```ts
 * const train = await readUcrTs("JapaneseVowels_TRAIN.ts.gz");
 * console.log(train.shape, train.classes); // [270, 26, 12], ["1", "2", …]
 * ```
 */
export async function readUcrTs(source: StreamSource, options: SeriesOptions = {}): Promise<LabelledSet> {
  checkSeriesOptions(options);
  const { name, bytes } = await allBytes(source);
  const lines = new TextDecoder().decode(bytes).split(/\r?\n/);
  const begin = lines.findIndex((line) => line.trim().toLowerCase() === "@data");
  if (begin < 0) throw invalidFile(name, {}, "there is no @data line: it is no .ts file, or it ends early");
  const header = new Header(name, lines.slice(0, begin));
  const series = lines.flatMap((line, index) => (index > begin && !isComment(line) ? [parseLine(name, line, index + 1)] : []));
  header.check(series);
  return seriesSet(name, series, options.classes ?? header.classes, options);
}

function isComment(line: string): boolean {
  return /^\s*(?:[#%]|$)/.test(line);
}

class Header {
  readonly classes: readonly string[];
  readonly #name: string;
  readonly #fields = new Map<string, { readonly value: string; readonly line: number }>();

  constructor(name: string, lines: readonly string[]) {
    this.#name = name;
    for (const [index, line] of lines.entries()) {
      if (isComment(line)) continue;
      const [, field = "", value = ""] = /^\s*@(\w+)\s*(.*?)\s*$/.exec(line) ?? [];
      const known = field.toLowerCase();
      if (!FIELDS.has(known)) throw invalidFile(name, { line: index + 1 }, `"${line.trim().slice(0, 40)}" is no field of a .ts file's header`);
      this.#fields.set(known, { value, line: index + 1 });
    }
    if (this.#flag("timestamps")) throw this.#refusal("timestamps", "series with timestamps cannot be read: bring them to even steps first");
    if (this.#flag("targetlabel")) throw this.#refusal("targetlabel", "numbers instead of classes cannot be read");
    const [labelled, ...classes] = this.#fields.get("classlabel")?.value.split(/\s+/) ?? [];
    if (labelled?.toLowerCase() !== "true" || classes.length === 0) {
      throw this.#refusal("classlabel", "@classLabel must be true and name the classes");
    }
    this.classes = classes;
  }

  /** Fails where the series are not as the header says. */
  check(series: readonly Series[]): void {
    const dimensions = this.#flag("univariate") ? 1 : (this.#number("dimensions") ?? this.#number("dimension"));
    const expected = dimensions ?? series[0]?.channels.length;
    const length = this.#number("serieslength");
    const equal = this.#flag("equallength") ? (length ?? series[0]?.channels[0]?.length) : undefined;
    for (const { line, channels } of series) {
      const steps = channels[0]?.length;
      if (channels.length !== expected) {
        const where = dimensions === undefined ? "the first series" : "the header";
        throw invalidFile(this.#name, { line }, `it has ${channels.length} channels, ${where} says ${expected}`);
      }
      if (equal !== undefined && steps !== equal) {
        throw invalidFile(this.#name, { line }, `it has ${steps} steps, the header says that each has ${equal}`);
      }
      if (this.#says("missing", false) && channels.some((channel) => channel.some(Number.isNaN))) {
        throw invalidFile(this.#name, { line }, "a value is missing, the header says that none is");
      }
    }
  }

  #flag(field: string): boolean {
    return this.#says(field, true);
  }

  #says(field: string, value: boolean): boolean {
    return this.#fields.get(field)?.value.toLowerCase() === String(value);
  }

  #number(field: string): number | undefined {
    const value = this.#fields.get(field)?.value;
    if (value === undefined) return undefined;
    if (!/^[1-9]\d*$/.test(value)) throw this.#refusal(field, `@${field} must be a whole number above 0, not "${value}"`);
    return Number(value);
  }

  #refusal(field: string, message: string): Error {
    const line = this.#fields.get(field)?.line;
    return invalidFile(this.#name, line === undefined ? {} : { line }, message);
  }
}

function parseLine(name: string, text: string, line: number): Series {
  const parts = text.trim().split(":");
  const label = (parts.pop() ?? "").trim();
  if (parts.length === 0) throw invalidFile(name, { line }, "there is no colon before a class: the line ends early");
  const channels = parts.map((part, index) => parseChannel(name, part, { line, column: `channel ${index + 1}` }));
  const length = channels[0]?.length;
  const odd = channels.findIndex((channel) => channel.length !== length);
  if (odd < 0) return { line, channels, label };
  throw invalidFile(name, { line, column: `channel ${odd + 1}` }, `it has ${channels[odd]?.length} steps, the first channel has ${length}`);
}

function parseChannel(name: string, part: string, place: { line: number; column: string }): Float64Array {
  return Float64Array.from(part.split(","), (text, step) => {
    return numberOf(text.trim(), () => invalidFile(name, place, `"${text}" of step ${step + 1} is no number`));
  });
}

/** NaN for what is missing. */
export function numberOf(text: string, fault: () => Error): number {
  if (text === "?" || text === "NaN" || text === "nan") return NaN;
  const value = text === "" ? NaN : Number(text);
  if (!Number.isFinite(value)) throw fault();
  return value;
}
