// What is taken of several runs.

/** The middle value; of an even number, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which that part of the values lies, between neighbours in proportion. */
export function quantile(values: readonly number[], part: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const place = part * (sorted.length - 1);
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

/** The part of a row that tells how two sides compare that took turns: `ours[i]` and `peer[i]` are milliseconds of turn i. */
export function comparison(ours: readonly number[], peer: readonly number[]) {
  const [best, peerBest] = [Math.min(...ours), Math.min(...peer)];
  const ratios = ours.map((milliseconds, turn) => (peer[turn] ?? Number.NaN) / milliseconds);
  return {
    ours_ms: best,
    ours_median_ms: median(ours),
    peer_ms: peerBest,
    peer_median_ms: median(peer),
    ratio: peerBest / best,
    ratio_low: quantile(ratios, 0.25),
    ratio_high: quantile(ratios, 0.75),
    runs: ours.length,
  };
}
