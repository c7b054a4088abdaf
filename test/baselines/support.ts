// What the tests of baselines share: small data, and what refusals look like.

import { readFileSync } from "node:fs";

import { GatewiseError, type LabelledSeries } from "gatewise/baselines";
import { expect } from "vitest";

/** Fails unless `call` is refused with this code at this path. */
export async function refused(code: string, path: string, call: () => unknown): Promise<void> {
  const error: unknown = await Promise.resolve()
    .then(call)
    .then(
      () => "nothing was thrown",
      (thrown: unknown) => thrown,
    );
  expect(error).toBeInstanceOf(GatewiseError);
  expect(error).toMatchObject({ code, path });
  expect((error as Error).message.length).toBeGreaterThan(20);
}

/** Sines of two periods, told apart by "slow" and "fast", of 8 to 12 steps with two channels. */
export function waves(n: number, phase = 0): LabelledSeries & { lengths: Uint32Array } {
  const [steps, features] = [12, 2];
  const targets = Array.from({ length: n }, (_, i) => (i % 2 ? "slow" : "fast"));
  const x = new Float32Array(n * steps * features);
  for (let i = 0; i < n; i++) {
    for (let t = 0; t < steps; t++) {
      const angle = (i % 2 ? 0.5 : 1.5) * t + i + phase;
      x.set([Math.sin(angle), Math.cos(angle)], (i * steps + t) * features);
    }
  }
  return { x, shape: [n, steps, features], lengths: Uint32Array.from({ length: n }, (_, i) => 8 + (i % 5)), targets };
}

/** The air passengers, from the example that they are committed with. */
export function passengers(): Float64Array {
  const text = readFileSync(new URL("../../examples/comparison/data/air-passengers.csv", import.meta.url), "utf8");
  return Float64Array.from(text.trim().split(/\r?\n/).slice(1), (line) => Number(line.split(",")[1]));
}
