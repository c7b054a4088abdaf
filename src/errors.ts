// The one error that the package throws, and how errors of the bindings become it. Knows nothing of models or data.

import type { ErrorCode } from "./generated/core.js";

export type { ErrorCode };

const BRAND = Symbol.for("gatewise.error");

/**
 * What every call of the package throws or rejects with when it cannot do what was asked.
 *
 * The model is as it was before the call; see `Model` for a `fit` that fails on its way.
 *
 * @example
 * ```ts
 * try {
 *   await model.predict({ x, shape: [1, 10, 4] });
 * } catch (error) {
 *   if (error instanceof GatewiseError && error.code === "shape_mismatch") {
 *     console.error(`${error.path}: ${error.message}`); // input.features: x has 4 features a step, the model expects 5
 *   }
 * }
 * ```
 */
export class GatewiseError extends Error {
  override readonly name = "GatewiseError";
  /** What went wrong, as a name that stays the same from release to release. */
  readonly code: ErrorCode;
  /** Where, as a caller would write it: `lengths[3]`, `definition.layers[1].units`; empty when there is no one place. */
  readonly path: string;

  /**
   * Whether `value` is the package's error: also of another of its entry points, each of which is one file in Node with a
   * class of its own.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== GatewiseError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === "object" && value !== null && BRAND in value;
  }

  /** @internal */
  readonly [BRAND] = true;

  /**
   * @param code what went wrong
   * @param path where
   * @param message what to do about it, as a sentence
   * @param options the error behind this one, where there is one
   */
  constructor(code: ErrorCode, path: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.path = path;
  }
}

/** An error as data: the form in which it leaves the core and in which workers post it. */
export interface ErrorData {
  readonly code: ErrorCode;
  readonly path: string;
  readonly message: string;
}

/** The documents that the core's paths are relative to, as callers know them. */
const DOCUMENTS: Partial<Record<ErrorCode, string>> = { invalid_definition: "definition", invalid_option: "options" };

/**
 * The package's error for whatever a binding threw. The core's errors are the JSON of {@link ErrorData} in the message
 * of the thrown error; everything else (a trap, a failed allocation, a dead worker) is an `internal_error`.
 */
export function fromBinding(thrown: unknown): GatewiseError {
  const known = fromCore(thrown);
  if (known) return known;
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  const message = `Gatewise itself failed (${text}); the model goes on with its last committed weights. Please report this.`;
  return new GatewiseError("internal_error", "", message, { cause: thrown });
}

/** The package's error for one that the core made; undefined for any other. */
export function fromCore(thrown: unknown): GatewiseError | undefined {
  if (thrown instanceof GatewiseError) return thrown;
  const data = thrown instanceof Error ? parseErrorData(thrown.message) : undefined;
  if (!data) return undefined;
  const path = [DOCUMENTS[data.code], data.path].filter(Boolean).join(".");
  return new GatewiseError(data.code, path, data.message);
}

function parseErrorData(text: string): ErrorData | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    const { code, path, message } = JSON.parse(text) as Partial<ErrorData>;
    return code !== undefined && path !== undefined && message !== undefined ? { code, path, message } : undefined;
  } catch {
    return undefined;
  }
}
