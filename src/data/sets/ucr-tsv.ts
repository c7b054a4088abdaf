// The UCR archive's `.tsv` files (UCRArchive_2018): a line is a class and the numbers of one series, with tabs between them;
// series that are shorter than the longest end with NaN.

import { invalidFile } from "../readers/errors.js";
import { type StreamSource, allBytes } from "../readers/source.js";
import type { LabelledSet } from "./labelled.js";
import { type Series, type SeriesOptions, checkSeriesOptions, seriesSet } from "./series.js";
import { numberOf } from "./ucr-ts.js";

/**
 * A file of the UCR archive in its `.tsv` format: series of one channel.
 *
 * NaN at a series' end is padding: the series keeps its own length. NaN before a number is a missing value. The file does not name
 * its classes: they are those that are in it, numbers in their order; give the test part the training part's.
 *
 * @param source `GunPoint_TRAIN.tsv`, gzipped or not, from https://www.cs.ucr.edu/~eamonn/time_series_data_2018/
 * @param options the classes, and what to put in the place of missing values
 * @throws {GatewiseError} `invalid_file` with the line; `empty_data`; `file_access`; `invalid_option`
 *
 * @example
 * ```ts
 * const train = await readUcrTsv("GunPoint_TRAIN.tsv");
 * const test = await readUcrTsv("GunPoint_TEST.tsv", { classes: train.classes });
 * ```
 */
export async function readUcrTsv(source: StreamSource, options: SeriesOptions = {}): Promise<LabelledSet> {
  checkSeriesOptions(options);
  const { name, bytes } = await allBytes(source);
  const lines = new TextDecoder().decode(bytes).split(/\r?\n/);
  const width = lines[0]?.split("\t").length ?? 0;
  const series = lines.flatMap((line, index) => (line.trim() === "" ? [] : [parseLine(name, line, index + 1, width)]));
  return seriesSet(name, series, options.classes ?? classesOf(series), options);
}

function parseLine(name: string, text: string, line: number, width: number): Series {
  const [label = "", ...fields] = text.split("\t").map((field) => field.trim());
  if (fields.length + 1 !== width) {
    throw invalidFile(name, { line }, `it has ${fields.length + 1} fields, the first line has ${width}: shorter series end with NaN`);
  }
  const values = Float64Array.from(fields, (field, step) => {
    return numberOf(field, () => invalidFile(name, { line }, `"${field}" of step ${step + 1} is no number`));
  });
  const length = values.findLastIndex((value) => !Number.isNaN(value)) + 1;
  if (label === "" || length === 0) throw invalidFile(name, { line }, label === "" ? "there is no class" : "there is no number behind the class");
  return { line, channels: [values.slice(0, length)], label };
}

function classesOf(series: readonly Series[]): readonly string[] {
  const names = [...new Set(series.map(({ label }) => label))];
  return names.every((name) => Number.isFinite(Number(name))) ? names.sort((a, b) => Number(a) - Number(b)) : names.sort();
}
