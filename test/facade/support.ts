// What the facade's tests share: the backends they run over, a problem that a small model learns, and what they look at.

import {
  type BackendName,
  type ErrorCode,
  GatewiseError,
  type LabelledData,
  type Model,
  type NumberSequences,
  createModel,
  defineModel,
} from "gatewise";
import { expect } from "vitest";

/** Both, always: where one is not built, its tests fail. */
export const BACKENDS: readonly BackendName[] = ["native", "wasm"];

export type Direction = "falling" | "rising";

/** Classes are given by whether sequences rise or fall. */
export const definition = defineModel({
  input: { features: 3 },
  layers: [
    { cell: "lstm", units: 8 },
    { cell: "lstm", units: 5 },
  ],
  output: { classes: ["falling", "rising"] },
  seed: 7,
});

export function smallModel(backend: BackendName): Promise<Model<Direction>> {
  return createModel(definition, { backend });
}

/** Numbers from -1 to 1 that depend on the seed alone (Marsaglia's xorshift with 32 bits). */
export function randomNumbers(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / 2 ** 31;
  };
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
export type Problem = Mutable<LabelledData<Direction> & NumberSequences> & { lengths: Uint32Array; targets: Direction[] };

/** `n` noisy sequences of three features over up to `steps` steps; the first feature rises or falls. NaN in the padding. */
export function risingOrFalling(n: number, steps = 12, seed = 1): Problem {
  const random = randomNumbers(seed);
  const x = new Float32Array(n * steps * 3).fill(Number.NaN);
  const lengths = new Uint32Array(n);
  const targets: Direction[] = [];
  for (let sample = 0; sample < n; sample++) {
    const length = Math.max(3, Math.ceil(((random() + 1) / 2) * steps));
    const slope = random() > 0 ? 1 : -1;
    lengths[sample] = length;
    targets.push(slope > 0 ? "rising" : "falling");
    for (let step = 0; step < length; step++) {
      const trend = slope * (step / length - 0.5) + 0.2 * random();
      x.set([trend, random(), random()], (sample * steps + step) * 3);
    }
  }
  return { x, shape: [n, steps, 3], lengths, targets };
}

/** Everything that a model holds, as its file: read from the core, not from the facade's copy. */
export async function stateOf(model: Model<string>): Promise<Buffer> {
  return Buffer.from(await model.save());
}

/** The error that a call throws or rejects with; fails if there is none or it is not the package's. */
export async function errorOf(call: () => unknown): Promise<GatewiseError> {
  try {
    await call();
  } catch (error) {
    expect(error).toBeInstanceOf(GatewiseError);
    return error as GatewiseError;
  }
  return expect.fail("the call did not fail");
}

/** Fails unless the call fails with this code, at this path, with a sentence. */
export async function expectError(call: () => unknown, code: ErrorCode, path: string): Promise<GatewiseError> {
  const error = await errorOf(call);
  expect({ code: error.code, path: error.path, message: error.message }).toMatchObject({ code, path });
  expect(error.message.length).toBeGreaterThan(15);
  return error;
}

/** The probabilities of `predict` as [n, classes]. */
export async function probabilitiesOf(model: Model<Direction>, data: Problem): Promise<Float32Array> {
  const predictions = await model.predict(data);
  return Float32Array.from(predictions.flatMap(({ probabilities }) => [probabilities.falling, probabilities.rising]));
}

/** Whether two arrays hold the same bits. (`toEqual` on arrays this long takes minutes to show a difference.) */
export function sameBits(a: Float32Array, b: Float32Array): boolean {
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));
}
