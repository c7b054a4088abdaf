// What a suite is, and what it is given.

import type { Machine } from "./machine.js";
import type { Options } from "./options.js";
import type { Peers } from "./peers/peers.js";
import type { Row } from "./rows.js";

export interface Suite {
  /** One word, for `--only` and for the rows. */
  readonly name: string;
  /** Rows as they come, so that a reader sees them at once, or all together. */
  run(context: Context): AsyncIterable<Row> | Promise<Row[]>;
}

export interface Context {
  readonly machine: Machine;
  readonly options: Options;
  readonly peers: Peers;
  /** A line for the person who waits. */
  log(message: string): void;
  /** Whether `--only` wants this; without `--only`, everything. A suite asks before it measures. */
  wanted(suite: string, shape: string, peer: string | null): boolean;
}
