// From measurements to rows.

import type { Contest } from "./comparison.js";
import type { Input } from "./inputs.js";
import { type Turns, ratioOf, timesOf } from "./interleave.js";
import { type Machine, peakOf } from "./machine.js";
import type { PeerName } from "./peers/peers.js";
import type { Row } from "./rows.js";
import { forwardOperations, nameOf, trainingOperations } from "./shapes.js";
import { peakTargetOf, targetOf } from "./targets.js";

/** Our side of a contest. */
export interface Own {
  readonly contest: Contest;
  readonly ours: Turns;
  readonly isa: string | null;
  readonly input: Input;
  readonly machine: Machine;
}

/** A row without a peer; without measurements, one for what is not there. */
export function ownRow({ suite, operation, shape, threads, backend }: Contest, own?: Own): Row {
  const nobody = { peer: null, peer_ms: null, ratio: null, target: null, met: null };
  const row = { suite, operation, shape: nameOf(shape), threads, backend, ...nobody };
  if (!own) return { ...row, isa: null, ours_ms: null };
  const { best, median } = timesOf(own.ours);
  return { ...row, isa: own.isa, ours_ms: best, ours_median_ms: median, percent_of_peak: percentOfPeak(own), runs: own.ours.length };
}

/** A row for a peer that has no times: it is missing, or failed. */
export function missingRow(contest: Contest, peer: PeerName, reason?: string): Row {
  const target = targetOf({ ...contest, peer })?.text ?? null;
  return { ...ownRow(contest), peer, target, ...(reason !== undefined && { note: `missing: ${reason}` }) };
}

export function peerRow(own: Own, peer: PeerName, theirs: Turns, note: string | undefined): Row {
  const row = ownRow(own.contest, own);
  const { best, median } = timesOf(theirs);
  const { ratio, low, high } = ratioOf(own.ours, theirs);
  const target = targetOf({ ...own.contest, peer });
  return {
    ...row,
    peer,
    peer_ms: best,
    peer_median_ms: median,
    ratio,
    ratio_low: low,
    ratio_high: high,
    target: target?.text ?? null,
    met: target?.met({ ratio, percentOfPeak: row.percent_of_peak }) ?? null,
    ...(note !== undefined && { note }),
  };
}

/** Our side against the machine itself, where that has a target. */
export function peakRow(own: Own): Row | undefined {
  const target = own.contest.backend === "wasm" ? undefined : peakTargetOf(own.contest);
  if (!target) return undefined;
  const row = ownRow(own.contest, own);
  return { ...row, peer: "multiply-add peak", target: target.text, met: target.met({ percentOfPeak: row.percent_of_peak }) };
}

function percentOfPeak({ contest, ours, input, machine }: Own): number {
  const forwardOnly = contest.operation === "inference" || contest.operation === "streaming step";
  const steps = contest.operation === "training step" ? input.meanValidSteps : input.validSteps;
  const operations = (forwardOnly ? forwardOperations : trainingOperations)(contest.shape, steps);
  const gigaflops = operations / (timesOf(ours).best * 1e6);
  return (gigaflops / peakOf(machine, contest.threads)) * 100;
}
