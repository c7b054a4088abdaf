// One line of the benchmark: what ours and a peer needed for the same work, or another figure with a name of its own.

/** What a row is measured with: the native addon, WebAssembly, or the bare Rust core without Node. */
export type Backend = "native" | "wasm" | "core";

export interface Row {
  /** The suite that measured it, such as "native" or "package". */
  readonly suite: string;
  /** What was done, such as "inference", "training step" or "import". */
  readonly operation: string;
  /** What it was done on, such as "64,28,28,128"; empty where there is no shape. */
  readonly shape: string;
  /** Threads of both sides; null where there is nothing to share out. */
  readonly threads: number | null;
  readonly backend: Backend | null;
  /** Our instruction set, such as "avx512". */
  readonly isa: string | null;
  /** The best of ours, in milliseconds. */
  readonly ours_ms: number | null;
  readonly ours_median_ms?: number;
  /** Name of the other side, such as "pytorch"; null where there is none. */
  readonly peer: string | null;
  /** The best of the peer, in milliseconds; null where the peer is missing: `note` says why. */
  readonly peer_ms: number | null;
  readonly peer_median_ms?: number;
  /** The peer's time ÷ ours, best by best: above 1, ours is faster. Nothing else is called so. */
  readonly ratio: number | null;
  /** Quartiles of the ratio over the interleaved pairs of runs. */
  readonly ratio_low?: number;
  readonly ratio_high?: number;
  /** Interleaved pairs of runs. */
  readonly runs?: number;
  /** What has to be reached: a number for `ratio`, or words such as "≥ 1.3 or 80 % of peak"; null where nothing is asked. */
  readonly target: number | string | null;
  /** Whether it is reached; null where there is no target, or no measurement to tell by. */
  readonly met: boolean | null;
  /** Our extra time over something's own, as a part of it: 0.02 is 2 %. */
  readonly overhead?: number;
  /** How many times something else a step costs, */
  readonly cost?: number;
  /** and what that is. */
  readonly cost_over?: string;
  /** Bytes. */
  readonly memory?: number;
  /** Bytes of the peer. */
  readonly peer_memory?: number;
  /** Our part of the machine's multiply-add peak over the row's threads, in percent. */
  readonly percent_of_peak?: number;
  /** A number that none of the names above fits, with its unit: 0 "allocations". */
  readonly figure?: { readonly value: number; readonly unit: string };
  /** What a reader has to know beside the numbers: a caveat, or why something is missing. */
  readonly note?: string;
  /** Why the row cannot count: results differ from the reference's. Such a row has no times, and fails the whole run. */
  readonly failure?: string;
}
