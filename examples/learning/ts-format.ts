// Reads the UCR/UEA archive's `.ts` files: series of several channels, each with a class.
//
// After a header of `@name value` lines and `@data`, a line is one series: its channels, and at its end its class, have
// colons between them; a channel's numbers have commas. Lines that begin with # are comments.

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

/** Series of one file, padded at the end to the longest. */
export interface Series {
  /** [n, steps, channels] */
  readonly x: Float32Array;
  readonly shape: readonly [n: number, steps: number, channels: number];
  readonly lengths: Uint32Array;
  /** [n] the class of each. */
  readonly targets: readonly string[];
  /** Every class there is, in the header's order. */
  readonly classes: readonly string[];
}

interface Line {
  /** [channels][length] */
  readonly channels: readonly (readonly number[])[];
  readonly label: string;
}

/** Reads a file, plain or `.gz`. @throws where it is not what the header says */
export function readSeries(file: string | URL): Series {
  const bytes = readFileSync(file);
  return parseSeries((String(file).endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8"));
}

/** @throws where a line is not what the header says */
export function parseSeries(text: string): Series {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const data = lines.findIndex((line) => line.toLowerCase() === "@data");
  if (data < 0) throw new Error("there is no @data line");
  const [labelled, ...classes] = headerValue(lines.slice(0, data), "@classlabel").split(/\s+/);
  if (labelled !== "true") throw new Error("@classLabel must be true and name the classes");
  const rows = lines.flatMap((line, index) => (index > data && line !== "" && !line.startsWith("#") ? [parseLine(line, index + 1, classes)] : []));
  return { ...padded(rows), targets: rows.map(({ label }) => label), classes };
}

function headerValue(header: readonly string[], name: string): string {
  const line = header.find((line) => line.toLowerCase().startsWith(`${name} `));
  if (line === undefined) throw new Error(`there is no ${name} line`);
  return line.slice(name.length).trim();
}

function parseLine(line: string, number: number, classes: readonly string[]): Line {
  const parts = line.split(":");
  const label = parts.pop() ?? "";
  if (!classes.includes(label)) throw new Error(`line ${number}: ends with "${label}", which is no class of the header`);
  const channels = parts.map((part) => part.split(",").map(Number));
  const length = channels[0]?.length ?? 0;
  if (channels.some((channel) => channel.length !== length)) throw new Error(`line ${number}: its channels have different lengths`);
  if (length === 0 || !channels.flat().every(Number.isFinite)) throw new Error(`line ${number}: something in it is no number`);
  return { channels, label };
}

function padded(rows: readonly Line[]): Pick<Series, "x" | "shape" | "lengths"> {
  const channels = rows[0]?.channels.length ?? 0;
  if (rows.some((row) => row.channels.length !== channels)) throw new Error("not every series has as many channels");
  const lengths = Uint32Array.from(rows, (row) => row.channels[0]?.length ?? 0);
  const steps = Math.max(0, ...lengths);
  const x = new Float32Array(rows.length * steps * channels);
  rows.forEach((row, series) => {
    row.channels.forEach((values, channel) => {
      values.forEach((value, step) => (x[(series * steps + step) * channels + channel] = value));
    });
  });
  return { x, shape: [rows.length, steps, channels], lengths };
}
