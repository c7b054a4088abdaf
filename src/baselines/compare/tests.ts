// From one test a seed to what can be said of two entrants, and of all pairs together. Knows nothing of the tests themselves.

import type { EntrantResult, PairedTest, Run } from "./types.js";

/** What a test of one pair of runs says. */
export interface PairOutcome {
  /** By how much the reference is better. */
  readonly advantage: number;
  readonly pValue: number;
}

/** Tests every other entrant against the reference: the k-th run of one with the k-th of the other. */
export function testAll<Of extends Run<object>>(
  kind: PairedTest["kind"],
  entrants: readonly EntrantResult<Of>[],
  reference: string,
  test: (reference: Of, other: Of) => PairOutcome | null,
): PairedTest[] {
  const first = entrants.find(({ name }) => name === reference);
  if (!first) return [];
  const raw = entrants
    .filter((other) => other !== first)
    .flatMap((other) => {
      const outcomes = pairs(first.runs, other.runs).map(([a, b]) => test(a, b));
      const complete = outcomes.filter((outcome) => outcome !== null);
      if (complete.length < outcomes.length) return [];
      const pValues = complete.map(({ pValue }) => pValue);
      const advantage = complete.reduce((sum, outcome) => sum + outcome.advantage, 0) / complete.length;
      return [{ kind, reference, other: other.name, advantage, pValues, pValue: combined(pValues) }];
    });
  const adjusted = holm(raw.map(({ pValue }) => pValue));
  return raw.map((test, n) => Object.assign(test, { adjusted: adjusted[n] as number }));
}

/** What knows no chance meets every run of the other. */
function pairs<Of>(first: readonly Of[], second: readonly Of[]): [Of, Of][] {
  const one = (runs: readonly Of[], n: number) => runs[runs.length === 1 ? 0 : n] as Of;
  return Array.from({ length: Math.max(first.length, second.length) }, (_, n) => [one(first, n), one(second, n)]);
}

/**
 * One p-value of k, whatever they have in common: k / i times the i-th smallest, here the middle one, at most 1 (B. Rüger 1978, Das
 * maximale Signifikanzniveau des Tests „Lehne H₀ ab, wenn k unter n gegebenen Tests zur Ablehnung führen", Metrika 25).
 */
export function combined(pValues: readonly number[]): number {
  const sorted = pValues.toSorted((a, b) => a - b);
  const middle = Math.ceil(sorted.length / 2);
  return Math.min(1, (sorted.length / middle) * (sorted[middle - 1] as number));
}

/** Holm's step-down adjustment: the j-th smallest of m times m − j + 1, never below the one before, at most 1. */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, n) => n).sort((a, b) => (pValues[a] as number) - (pValues[b] as number));
  const adjusted = pValues.map(() => 0);
  let largest = 0;
  order.forEach((n, rank) => {
    largest = Math.max(largest, (pValues.length - rank) * (pValues[n] as number));
    adjusted[n] = Math.min(1, largest);
  });
  return adjusted;
}
