// Which arrays a model reads of its sequences. Knows their names, not what is in them.

import { GatewiseError } from "../errors.js";
import type * as core from "../generated/core.js";

/** What the arrays hold, as sentences say it. */
export const NUMBERS = "numbers at each step";
export const TOKENS = "tokens";
export const STATICS = "numbers of whole sequences";

/** The fields of a definition's input that say which arrays there are. */
type Input = Pick<core.InputDefinition, "features" | "tokens" | "statics">;

/** The arrays by name, whatever they are. */
interface Given {
  readonly x?: unknown;
  readonly tokens?: unknown;
  readonly statics?: unknown;
}

/** Throws unless there is each array that the model reads, and no other. `at` is where they stand: `"validation."` or nothing. */
export function assertRead(given: Given, input: Input, at = ""): void {
  assertOne(given.x, input.features, `${at}x`, NUMBERS);
  assertOne(given.tokens, input.tokens, `${at}tokens`, TOKENS);
  assertOne(given.statics, input.statics, `${at}statics`, STATICS);
}

/** The same of one of them. Allocates nothing. */
export function assertOne(given: unknown, read: number | undefined, path: string, what: string): void {
  if ((given !== undefined) === (read !== undefined)) return;
  const message = read === undefined ? `this model reads no ${what}: leave them out` : `this model reads ${what}: give them`;
  throw new GatewiseError("invalid_option", path, message);
}
