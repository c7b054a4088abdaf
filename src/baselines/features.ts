// What is said of a whole sequence in a few numbers. Knows nothing of what reads them.

import type { Series } from "./series.js";

/** What each channel is summarised by, in this order. */
export const SUMMARY_FEATURES = ["mean", "deviation", "min", "max", "last", "slope"] as const;

/**
 * [n][6 · channels + 1 + statics] for each sequence its channels' {@link SUMMARY_FEATURES}, its length, and its statics. The
 * deviation is that of all steps (over n); the slope that of the least-squares line, a step.
 */
export function summaryFeatures({ rows, channels, statics }: Series): Float64Array[] {
  return rows.map((row, n) => {
    const length = row.length / channels;
    const features = Array.from({ length: channels }, (_, c) => ofChannel(row, c, channels)).flat();
    return Float64Array.of(...features, length, ...(statics[n] ?? []));
  });
}

function ofChannel(row: Float64Array, channel: number, channels: number): number[] {
  const steps = row.length / channels;
  let [sum, min, max] = [0, Infinity, -Infinity];
  for (let i = channel; i < row.length; i += channels) {
    const value = row[i] as number;
    sum += value;
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  const [mean, centre] = [sum / steps, (steps - 1) / 2];
  let [squares, rise, run] = [0, 0, 0];
  for (let t = 0; t < steps; t++) {
    const difference = (row[t * channels + channel] as number) - mean;
    squares += difference * difference;
    rise += (t - centre) * difference;
    run += (t - centre) ** 2;
  }
  const last = row[row.length - channels + channel] as number;
  return [mean, Math.sqrt(squares / steps), min, max, last, run > 0 ? rise / run : 0];
}

/** Mean 0 and deviation 1 over the rows that it was fitted to. What is constant there becomes 0. */
export function standardScaling(rows: readonly Float64Array[]): (row: Float64Array) => Float64Array {
  const width = rows[0]?.length ?? 0;
  const means = new Float64Array(width);
  for (const row of rows) row.forEach((value, i) => (means[i] = (means[i] as number) + value / rows.length));
  const variances = new Float64Array(width);
  for (const row of rows) {
    row.forEach((value, i) => (variances[i] = (variances[i] as number) + (value - (means[i] as number)) ** 2 / rows.length));
  }
  // A spread that is the roundings of a mean of equal numbers is none.
  const scales = variances.map((variance, i) => {
    const deviation = Math.sqrt(variance);
    return deviation > 1e-12 * Math.abs(means[i] as number) ? 1 / deviation : 0;
  });
  return (row) => row.map((value, i) => (value - (means[i] as number)) * (scales[i] as number));
}
