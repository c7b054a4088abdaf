// What is taken of single measurements in turn.

import { quantile, ratioOf, timesOf } from "../interleave.js";

/** The middle value; of an even number, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The part of a row that tells how two sides compare, from the milliseconds of each turn. */
export function comparison(ours: readonly number[], peer: readonly number[]) {
  const turns = ours.map((milliseconds) => [milliseconds]);
  const peerTurns = peer.map((milliseconds) => [milliseconds]);
  const { ratio, low, high } = ratioOf(turns, peerTurns);
  return {
    ours_ms: timesOf(turns).best,
    ours_median_ms: timesOf(turns).median,
    peer_ms: timesOf(peerTurns).best,
    peer_median_ms: timesOf(peerTurns).median,
    ratio,
    ratio_low: low,
    ratio_high: high,
    runs: turns.length,
  };
}
