// What the tests of readers share.

import { expect } from "vitest";

import { type Column, type ErrorCode, GatewiseError } from "gatewise/data";

export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Bytes in chunks of these sizes, over and over. */
export async function* inPieces(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let [at, piece] = [0, 0]; at < bytes.length; piece++) {
    const size = sizes[piece % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

/** The numbers of a column that has them. */
export function valuesOf(column: Column | undefined): Float64Array {
  if (column === undefined || column.kind === "category") throw new Error("not a column of numbers or times");
  return column.values;
}

/** Expects the package's error. */
export async function refused(promise: Promise<unknown>, code: ErrorCode, path: string, message: string): Promise<void> {
  const error: unknown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(error instanceof GatewiseError)) expect.fail(`no GatewiseError: ${String(error)}`);
  expect({ code: error.code, path: error.path }).toEqual({ code, path });
  expect(error.message).toContain(message);
}
