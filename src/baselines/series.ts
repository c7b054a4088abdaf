// Sequences as baselines read them: checked, in doubles, one after the other without padding. Knows nothing of what reads them.

import { assertFloats } from "../data/buffers.js";
import type { Lengths, NumberSequences } from "../data/types.js";
import { GatewiseError } from "../errors.js";

/** What a baseline learns from: sequences and the class of each. */
export interface LabelledSeries extends NumberSequences {
  /** [n, statics] Numbers of whole sequences: read by the logistic regression and by networks alone. */
  readonly statics?: Float32Array | undefined;
  /** [n] */
  readonly targets: readonly string[];
}

/** What a baseline predicts of. */
export type UnlabelledSeries = Omit<LabelledSeries, "targets">;

/** Checked sequences. */
export interface Series {
  readonly channels: number;
  /** [n][length, channels] */
  readonly rows: readonly Float64Array[];
  /** [n][statics]; empty lists where there are none. */
  readonly statics: readonly Float64Array[];
}

/**
 * Checks sequences and takes their valid steps. `at` is where they stand: `"train."`.
 *
 * @throws {GatewiseError} `invalid_option`, `shape_mismatch`, `empty_data`, `invalid_length`, `not_finite`, `shared_buffer`
 */
export function readSeries(data: UnlabelledSeries, at: string): Series {
  const { x, shape, statics } = data;
  assertFloats(x, `${at}x`);
  const [n, steps, channels] = checkShape(shape, x.length, at);
  const lengths = checkLengths(data.lengths, n, steps, `${at}lengths`);
  const rows = lengths.map((length, i) => {
    const row = Float64Array.from(x.subarray(i * steps * channels, (i * steps + length) * channels));
    const bad = row.findIndex((value) => !Number.isFinite(value));
    if (bad < 0) return row;
    const message = `sequence ${i} has ${row[bad]} at step ${Math.floor(bad / channels)}, feature ${bad % channels}: give finite numbers`;
    throw new GatewiseError("not_finite", `${at}x[${i * steps * channels + bad}]`, message);
  });
  return { channels, rows, statics: readStatics(statics, n, `${at}statics`) };
}

/** The same, and the class of each. */
export function readLabelled(data: LabelledSeries, at: string): Series & { readonly targets: readonly string[] } {
  const series = readSeries(data, at);
  const { targets } = data;
  if (!Array.isArray(targets)) throw new GatewiseError("invalid_option", `${at}targets`, `${at}targets must be an array of names`);
  if (targets.length !== series.rows.length) {
    const message = `there are ${targets.length} targets for ${series.rows.length} sequences: give one for each`;
    throw new GatewiseError("shape_mismatch", `${at}targets`, message);
  }
  return { ...series, targets };
}

function checkShape(shape: NumberSequences["shape"], length: number, at: string): NumberSequences["shape"] {
  if (!Array.isArray(shape) || shape.length !== 3 || shape.some((size) => !Number.isInteger(size) || size < 0)) {
    throw new GatewiseError("invalid_option", `${at}shape`, `${at}shape must be three whole numbers: sequences, steps, features`);
  }
  const [n, steps, channels] = shape as unknown as NumberSequences["shape"];
  if (n * steps * channels !== length) {
    const message = `${at}x holds ${length} numbers, its shape [${shape.join(", ")}] says ${n * steps * channels}`;
    throw new GatewiseError("shape_mismatch", `${at}shape`, message);
  }
  if (length === 0) throw new GatewiseError("empty_data", `${at}x`, "there is no sequence: give at least one");
  return [n, steps, channels];
}

function checkLengths(lengths: Lengths | undefined, n: number, steps: number, path: string): number[] {
  if (lengths === undefined) return Array.from({ length: n }, () => steps);
  if (lengths.length !== n) {
    throw new GatewiseError("shape_mismatch", path, `there are ${lengths.length} lengths for ${n} sequences: give one for each`);
  }
  return Array.from(lengths, (length, i) => {
    if (Number.isInteger(length) && length >= 1 && length <= steps) return length;
    throw new GatewiseError("invalid_length", `${path}[${i}]`, `sequence ${i} has ${length} steps: give a whole number from 1 to ${steps}`);
  });
}

function readStatics(statics: Float32Array | undefined, n: number, path: string): Float64Array[] {
  if (statics === undefined) return Array.from({ length: n }, () => new Float64Array(0));
  assertFloats(statics, path);
  const each = statics.length / n;
  if (!Number.isInteger(each)) {
    throw new GatewiseError("shape_mismatch", path, `${path} holds ${statics.length} numbers, which ${n} sequences cannot share evenly`);
  }
  return Array.from({ length: n }, (_, i) => Float64Array.from(statics.subarray(i * each, (i + 1) * each)));
}
