// What the tests of pipelines share: samples as nested lists, and short ways to them.

import { type PipelineDefinition, type Prepared, type PreparedInputs, type Rows, definePipeline } from "gatewise/data";
import { expect } from "vitest";

/** [samples][steps][features] without the padding; that must be zero. */
export function steps({ x, shape, lengths }: PreparedInputs): number[][][] {
  const [n, longest, features = 0] = shape;
  const at = (sample: number, step: number) => Array.from(x?.subarray((sample * longest + step) * features, (sample * longest + step + 1) * features) ?? []);
  const all = Array.from({ length: n }, (_, sample) => Array.from({ length: longest }, (_, step) => at(sample, step)));
  for (const [sample, list] of all.entries()) expect(list.slice(lengths[sample]).flat().every((value) => value === 0)).toBe(true);
  return all.map((list, sample) => list.slice(0, lengths[sample]));
}

export function fitted(definition: PipelineDefinition, rows: Rows): Prepared {
  return definePipeline(definition).fit(rows).apply(rows) as Prepared;
}

export function sequences(definition: PipelineDefinition, rows: Rows): PreparedInputs {
  return definePipeline(definition).fit(rows).sequences(rows);
}
