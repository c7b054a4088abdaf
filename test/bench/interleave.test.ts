// Taking turns, and what is made of the times.

import { describe, expect, it } from "vitest";

import { QUICK, type Side, interleave, quantile, ratioOf, timesOf } from "../../bench/interleave.js";

/** A side whose runs take `milliseconds` each, as it says; `log` hears of every turn. */
function pretend(name: string, milliseconds: number, log: string[], shortest = 0): Side {
  return {
    shortest,
    measure: async (count, times) => {
      log.push(`${name} ${count * times}`);
      return Array.from({ length: times }, () => milliseconds);
    },
    rest: async () => void log.push(`${name} rests`),
  };
}

describe("interleave", () => {
  it("gives each side a turn, with as many runs as fill it, and rests before the other's", async () => {
    const log: string[] = [];
    const [a, b] = await interleave([pretend("a", 20, log), pretend("b", 0.02, log)], QUICK);
    const turns = log.slice(-4 * QUICK.fewestTurns);
    // 40 ms a turn: two runs of 20 ms, 2,000 of 0.02 ms.
    expect(turns.slice(0, 4)).toEqual(["a 2", "a rests", "b 2000", "b rests"]);
    expect(turns).toEqual(Array.from({ length: QUICK.fewestTurns }, () => turns.slice(0, 4)).flat());
    expect(a).toHaveLength(QUICK.fewestTurns);
    expect(b?.flat().every((milliseconds) => milliseconds === 0.02)).toBe(true);
  });

  it("asks for as many runs as fit into the shortest measurement that a side can take", async () => {
    const log: string[] = [];
    const [turns] = await interleave([pretend("coarse", 4, log, 20)], QUICK);
    expect(turns?.at(-1)).toHaveLength(2);
    expect(log.slice(-2)).toEqual(["coarse 10", "coarse rests"]);
  });

  it("runs something slow once a turn", async () => {
    const log: string[] = [];
    await interleave([pretend("slow", 900, log)], QUICK);
    expect(log.slice(-2)).toEqual(["slow 1", "slow rests"]);
  });
});

describe("statistics", () => {
  it("takes the best and the median of all runs", () => {
    expect(timesOf([[3, 1], [2], [9, 4]])).toEqual({ best: 1, median: 3 });
  });

  it("takes the ratio best by best, peer over ours, and its spread over the pairs of turns", () => {
    const ours = [[2, 3], [1], [2], [4], [5]];
    const theirs = [[6], [2, 7], [8], [8], [5]];
    // Pairs: 3, 2, 4, 2, 1; sorted 1 2 2 3 4.
    expect(ratioOf(ours, theirs)).toEqual({ ratio: 2, low: 2, high: 3 });
  });

  it("interpolates quantiles", () => {
    expect(quantile([10, 0], 0.25)).toBe(2.5);
    expect(quantile([7], 0.75)).toBe(7);
    expect(quantile([], 0.5)).toBeNaN();
  });
});
