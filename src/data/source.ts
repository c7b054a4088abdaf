// Training data that is read part by part. Types, and what only JavaScript can check of them.

import { GatewiseError } from "../errors.js";
import type { Output } from "../model/outputs.js";
import { kindOf } from "./buffers.js";
import type { SavedPipeline } from "./pipeline/saved.js";
import type { LabelledData } from "./types.js";

/**
 * Training data that need not fit in memory: chunks that are read one at a time. Each epoch visits the chunks in an order of its
 * own, drawn from the model's seed, and shuffles the samples within each; batches do not cross chunks, so chunks of many batches
 * are best. While one is trained on, the next one is read: no more than two are held.
 *
 * @example
 * ```ts
 * const source: DataSource = {
 *   sizes: [10_000, 10_000, 3_500],
 *   read: async (chunk) => decode(await readFile(`part-${chunk}.bin`)), // { x, shape, targets }
 * };
 * await model.fit(source, { epochs: 5 });
 * ```
 */
export interface DataSource<Out extends Output = string> {
  /** Samples of each chunk. */
  readonly sizes: readonly number[];
  /** Reads a chunk: the same one each time. */
  read(chunk: number): Promise<LabelledData<Out>>;
  /** The fitted pipeline that the chunks came through, which the model takes over. */
  readonly preprocessing?: SavedPipeline | undefined;
}

/** Whether data is read part by part. */
export function isDataSource<Out extends Output>(data: LabelledData<Out> | DataSource<Out>): data is DataSource<Out> {
  return typeof data === "object" && data !== null && typeof (data as Partial<DataSource<Out>>).read === "function";
}

/** The sizes as the core takes them. */
export function sizesOf({ sizes }: { readonly sizes: readonly number[] }): Uint32Array {
  if (!Array.isArray(sizes)) {
    throw new GatewiseError("invalid_option", "data.sizes", `sizes must list the samples of each chunk, not ${kindOf(sizes)}`);
  }
  if (sizes.length === 0) throw new GatewiseError("empty_data", "data.sizes", "there is no chunk: give at least one");
  const wrong = sizes.findIndex((size: unknown) => !Number.isInteger(size) || Number(size) < 1 || Number(size) > 0xffff_fffe);
  if (wrong >= 0) {
    const message = `a chunk has a whole number of samples, at least one, not ${String(sizes[wrong])}`;
    throw new GatewiseError("invalid_option", `data.sizes[${wrong}]`, message);
  }
  return Uint32Array.from(sizes as readonly number[]);
}
