// Every cell and option of a layer, and every kind of input and output: training against PyTorch where it has the option, and
// against the plain LSTM.

import { Comparison, type Contest } from "../comparison.js";
import type { Row } from "../rows.js";
import { type InputOptions, type LayerOptions, type OutputOptions, type Shape, shape } from "../shapes.js";
import type { Suite } from "../suite.js";

const SUITE = "layers";

/** Options of a layer by itself. */
const LAYERS: readonly LayerOptions[] = [
  { cell: "lstm" },
  { cell: "lstm", bias: false },
  { cell: "lstm", coupledGates: true },
  { cell: "lstm", cellClip: 3 },
  { cell: "lstm", gateActivation: "hard_sigmoid" },
  { cell: "lstm", projection: 64 },
  { cell: "lstm", peepholes: true },
  { cell: "lstm", layerNorm: true },
  { cell: "lstm", dropout: 0.25 },
  { cell: "lstm", inputDropout: 0.25 },
  { cell: "lstm", recurrentDropout: 0.25 },
  { cell: "lstm", weightDropout: 0.5 },
  { cell: "lstm", zoneout: { hidden: 0.05, cell: 0.1 } },
  { cell: "lstm", projection: 64, peepholes: true, layerNorm: true, recurrentDropout: 0.25, zoneout: { cell: 0.1 } },
  { cell: "gru" },
  { cell: "gru", reset: "before" },
  { cell: "rnn" },
  { cell: "rnn", activation: "relu" },
];

/** Inputs of more than numbers at steps, or of tokens instead, each looked up as as many numbers as the size has. */
const INPUTS: readonly InputOptions[] = [
  { tokens: 64 },
  { tokens: 10_000 },
  { tokens: 10_000, sparse: true },
  { statics: 8 },
  { statics: 8, staticsAs: "states" },
];

/** Outputs by another way than from the last step alone. */
const OUTPUTS: readonly OutputOptions[] = [{ at: "each" }, { at: "mean" }, { at: "max" }, { at: "attention" }, { dropout: 0.25 }];

type Size = readonly [batch: number, steps: number, features: number, units: number];

const SIZES: readonly Size[] = [
  [64, 28, 28, 128],
  [64, 128, 64, 256],
];

/** Networks that are alike but for an option. */
interface Group {
  /** What the first of them is, with which the others are compared. */
  readonly plain: string;
  readonly shapes: (size: Size) => readonly Shape[];
}

const GROUPS: readonly Group[] = [
  {
    plain: "the plain LSTM",
    shapes: (size) => [
      ...LAYERS.map((layer) => shape(...size, { layer })),
      ...INPUTS.map((input) => shape(...size, { input })),
      ...OUTPUTS.map((output) => shape(...size, { output })),
    ],
  },
  {
    plain: "the plain bidirectional LSTM",
    shapes: (size) =>
      ([undefined, "sum", "mean"] as const).map((merge) => shape(...size, { bidirectional: true, layer: { cell: "lstm", ...(merge && { merge }) } })),
  },
  {
    // A residual layer reads as many numbers as it gives.
    plain: "two plain LSTMs",
    shapes: ([batch, steps, , units]) =>
      [{}, { residual: true }, { inputNorm: true }, { dropout: 0.25 }].map((options) => shape(batch, steps, units, units, { layers: 2, layer: { cell: "lstm", ...options } })),
  },
  {
    // Tied, embeddings are the head's weights too: as many numbers as the layer gives, a class for each token.
    plain: "the same untied",
    shapes: ([batch, steps, , units]) => {
      const output = { classes: 64, at: "each" } as const;
      return [output, { ...output, tied: true }].map((output) => shape(batch, steps, units, units, { input: { tokens: 64 }, output }));
    },
  },
];

/** What PyTorch's modules know, or a line or two beside them compute. */
const PEERS_OPTIONS = new Set(["cell", "bias", "projection", "activation", "tokens", "sparse", "classes", "at", "tied"]);

function hasPeer({ layer, input, output }: Shape): boolean {
  return output?.at !== "attention" && Object.keys({ ...layer, ...input, ...output }).every((option) => PEERS_OPTIONS.has(option));
}

export const layers: Suite = {
  name: SUITE,
  async *run(context) {
    const comparison = new Comparison(context);
    try {
      const sizes = context.options.quick ? SIZES.slice(0, 1) : SIZES;
      const runs = sizes.flatMap((size) => [1, 2].map((threads) => ({ size, threads })));
      for (const { size, threads } of runs) {
        for (const { plain, shapes } of GROUPS) yield* withCost(comparison, shapes(size), plain, threads);
      }
    } finally {
      comparison.stop();
    }
  },
};

/** The rows of some networks, each with its time as a multiple of the first one's. */
async function* withCost(comparison: Comparison, shapes: readonly Shape[], plainName: string, threads: number): AsyncGenerator<Row> {
  let plain: number | undefined;
  for (const [index, shape] of shapes.entries()) {
    const peers = hasPeer(shape) ? (["pytorch"] as const) : [];
    const contest: Contest = { suite: SUITE, operation: "training step", backend: "native", shape, threads, peers };
    for await (const row of comparison.run(contest)) {
      if (index === 0) plain = row.ours_ms ?? undefined;
      const cost = index > 0 && plain !== undefined && row.ours_ms !== null ? row.ours_ms / plain : undefined;
      yield { ...row, ...(cost !== undefined && { cost, cost_over: plainName }) };
    }
  }
}
