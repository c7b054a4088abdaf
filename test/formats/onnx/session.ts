// An exported model in ONNX Runtime, fed with the arrays of `Model.run`.

import { InferenceSession, Tensor } from "onnxruntime-node";

import type { RandomInputs } from "../random-model.js";

/** What a session gives or takes: the numbers, and their sizes. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Runs the file over n sequences; `states` are the initial states by the file's names. Gives every output. */
export async function runOnnx(
  file: Uint8Array,
  n: number,
  { x, tokens, statics, lengths }: Partial<RandomInputs>,
  states: Readonly<Record<string, Tensor>> = {},
): Promise<Record<string, Numbers>> {
  const session = await InferenceSession.create(file, { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 });
  try {
    const feeds: Record<string, Tensor> = { ...states };
    const steps = (array: ArrayLike<number>) => array.length / n;
    if (tokens) feeds["tokens"] = new Tensor("int64", bigints(tokens), [n, steps(tokens)]);
    const features = sizeOf(session, "x", 2);
    if (x) feeds["x"] = new Tensor("float32", x, [n, x.length / n / features, features]);
    if (statics) feeds["statics"] = new Tensor("float32", statics, [n, statics.length / n]);
    if (lengths) feeds["lengths"] = new Tensor("int64", bigints(lengths), [n]);
    const outputs = Object.entries(await session.run(feeds));
    return Object.fromEntries(outputs.map(([name, { dims, data }]) => [name, { shape: dims, data: data as Float32Array }]));
  } finally {
    await session.release();
  }
}

function bigints(numbers: Uint32Array): BigInt64Array {
  return BigInt64Array.from(numbers, BigInt);
}

/** A size that the file says of an input. */
function sizeOf(session: InferenceSession, input: string, axis: number): number {
  const metadata = session.inputMetadata.find(({ name }) => name === input);
  return metadata?.isTensor ? Number(metadata.shape[axis]) : Number.NaN;
}
