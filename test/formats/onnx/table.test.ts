// Every cell in one direction and in both, plain and with each of its options: the rows of the conversion table, and where to look
// when random definitions fail.

import type { ModelDefinition } from "gatewise";
import { describe, expect, test } from "vitest";

import { recordConversion } from "../conversions.js";
import type { Layer, NetworkCase } from "../random-definition.js";
import { BOUND, measureExport } from "./measure.js";

const ALL: readonly Partial<Layer>[] = [{}, { bias: false }, { residual: true }, { inputNorm: true }, { zoneout: { hidden: 0.25 } }];

const OPTIONS: Readonly<Record<Layer["cell"], readonly Partial<Layer>[]>> = {
  lstm: [
    ...ALL,
    { projection: 5 },
    { peepholes: true },
    { layerNorm: true },
    { coupledGates: true },
    { coupledGates: true, peepholes: true },
    { coupledGates: true, peepholes: true, layerNorm: true },
    { cellClip: 0.25 },
    { cellClip: 0.25, peepholes: true },
    { gateActivation: "hard_sigmoid" },
    { gateActivation: "hard_sigmoid_fifth" },
    { gateActivation: "hard_sigmoid", cellClip: 0.25 },
    { zoneout: { cell: 0.25 } },
    { zoneout: { hidden: 0.25, cell: 0.5 }, projection: 5 },
  ],
  gru: [...ALL, { reset: "before" }, { reset: "before", zoneout: { hidden: 0.25 } }],
  rnn: [...ALL, { activation: "relu" }, { activation: "relu", zoneout: { hidden: 0.25 } }],
};
const TWO_DIRECTIONS: readonly Partial<Layer>[] = [{ merge: "sum" }, { merge: "mean" }];

/** One layer of this kind, read at each step. */
function networkOf(layer: Layer): NetworkCase {
  const { units, projection = units, bidirectional, merge } = layer;
  const given = projection * (bidirectional === true && merge === undefined ? 2 : 1);
  const definition: ModelDefinition = {
    input: { features: layer.residual === true ? given : 7 },
    layers: [layer],
    output: { values: 3, at: "each" },
  };
  return { definition, lengths: [9, 1, 6, 12, 4], steps: 12, seed: 7 };
}

describe.each(["lstm", "gru", "rnn"] as const)("%s", (cell) => {
  const rows = [false, true].flatMap((bidirectional) => {
    const merges = bidirectional ? [...TWO_DIRECTIONS, { merge: "sum", zoneout: { hidden: 0.25 } } as const] : [];
    return [...OPTIONS[cell], ...merges].map((options) => ({ bidirectional, options, said: JSON.stringify(options) }));
  });
  test.each(rows)("bidirectional $bidirectional, $said", async ({ bidirectional, options }) => {
    const layer = { cell, units: 11, ...(bidirectional ? { bidirectional } : {}), ...options };
    const measured = await measureExport(networkOf(layer));
    const error = Math.max(...measured.map(({ error }) => error));
    recordConversion({ format: "onnx", direction: "out", cell, bidirectional, options: namesOf(options), error });
    expect(measured.filter(({ error }) => !(error <= BOUND))).toEqual([]);
  });
});

/** `projection, zoneout.hidden`: the options that are set, with values that are names. */
function namesOf(options: Partial<Layer>): string {
  const names = Object.entries(options).flatMap(([name, value]) => {
    if (typeof value === "object") return Object.keys(value).map((part) => `${name}.${part}`);
    return typeof value === "number" || value === true ? [name] : [`${name}: ${String(value)}`];
  });
  return names.join(", ");
}
