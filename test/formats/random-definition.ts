// Random definitions that compose every option, with a batch for each, for what has to hold of all models: fast-check draws them
// from its seed, and shrinks what fails. Everything is drawn apart from the rest; then `fitted` leaves out what does not go
// together. The core's tests draw theirs in the same way (`tests/common/definitions.rs`).

import * as fc from "fast-check";
import { type ModelDefinition, defineModel } from "gatewise";

export type Layer = ModelDefinition["layers"][number];
type Drawn<T> = { -readonly [Key in keyof T]: T[Key] };
type Input = Drawn<ModelDefinition["input"]>;
/** With the fields of every kind. */
interface Output {
  classes?: string[];
  labels?: string[];
  values?: number;
  steps?: number;
  quantiles?: number[];
  at?: "each" | "mean" | "max" | "attention";
  attentionUnits?: number;
  tied?: boolean;
  norm?: boolean;
  dropout?: number;
}

/** What may be drawn. */
export interface DrawOptions {
  /** Of layers only what PyTorch's modules have: cell, units, directions, biases, projection, a relu. No norms. False unless given. */
  readonly plain?: boolean;
  /** Most layers. 3 unless given. */
  readonly layers?: number;
}

/** A model and a ragged batch for it. */
export interface NetworkCase {
  readonly definition: ModelDefinition;
  /** [n], each from 1 to the steps. */
  readonly lengths: readonly number[];
  /** Steps of the longest sequence, or one more. */
  readonly steps: number;
  /** What weights and inputs come from. */
  readonly seed: number;
}

/** Random networks with their batches. */
export function networkCases(options: DrawOptions = {}): fc.Arbitrary<NetworkCase> {
  const lengths = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 });
  const seed = fc.noShrink(fc.nat(2 ** 31 - 1));
  const all = fc.record({ definition: definitions(options), lengths, padding: fc.nat(1), seed });
  return all.map(({ definition, lengths, padding, seed }) => ({ definition, lengths, steps: Math.max(...lengths) + padding, seed }));
}

/** Random definitions. */
export function definitions({ plain = false, layers = 3 }: DrawOptions = {}): fc.Arbitrary<ModelDefinition> {
  const stack = fc.array<Drawn<Layer>>(plain ? plainLayer() : layer(), { minLength: 1, maxLength: layers });
  return fc.record({ layers: stack, input: input(), output: output(plain) }).map(({ layers, input, output }) => fitted(input, layers, output));
}

/** Something one time in so many, else undefined, to which it shrinks. */
function sometimes<T>(times: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ withCrossShrink: true }, { arbitrary: fc.constant(undefined), weight: times - 1 }, { arbitrary, weight: 1 });
}

const seldom = (times: number) => sometimes(times, fc.constant(true as const));
const rate = () => sometimes(4, fc.constantFrom(0.125, 0.25, 0.5));
const upTo = (max: number) => fc.integer({ min: 1, max });

function plainOptions() {
  return {
    cell: fc.constantFrom("lstm" as const, "gru" as const, "rnn" as const),
    units: upTo(19),
    bidirectional: sometimes(2, fc.constant(true as const)),
    bias: sometimes(5, fc.constant(false as const)),
    projection: sometimes(4, upTo(18)),
    activation: sometimes(3, fc.constant("relu" as const)),
  };
}

function plainLayer(): fc.Arbitrary<Drawn<Layer>> {
  return fc.record(plainOptions()) as fc.Arbitrary<Drawn<Layer>>;
}

/** A layer with options of any cell. */
function layer(): fc.Arbitrary<Drawn<Layer>> {
  const zoneout = fc.record({ hidden: fc.constantFrom(0, 0.125, 0.5), cell: fc.constantFrom(0, 0.25, 0.5) });
  return fc.record({
    ...plainOptions(),
    merge: sometimes(3, fc.constantFrom("sum" as const, "mean" as const)),
    residual: seldom(3),
    inputNorm: seldom(4),
    peepholes: seldom(4),
    layerNorm: seldom(4),
    coupledGates: seldom(4),
    cellClip: sometimes(4, fc.constantFrom(0.125, 0.5, 1)),
    gateActivation: sometimes(3, fc.constantFrom("hard_sigmoid" as const, "hard_sigmoid_fifth" as const)),
    reset: sometimes(3, fc.constant("before" as const)),
    dropout: rate(),
    inputDropout: rate(),
    recurrentDropout: rate(),
    weightDropout: rate(),
    zoneout: sometimes(4, zoneout),
  }) as fc.Arbitrary<Drawn<Layer>>;
}

function input(): fc.Arbitrary<Input> {
  const padding = sometimes(2, fc.nat(6));
  const tokens = fc.record({ tokens: fc.integer({ min: 2, max: 7 }), embedding: upTo(9), padding, sparse: seldom(2) });
  const statics = fc.record({ statics: upTo(5), staticsAs: sometimes(2, fc.constant("states" as const)) });
  const parts = { tokens: sometimes(2, tokens), statics: sometimes(2, statics) };
  const all = fc.record({ features: upTo(17), alone: fc.boolean(), ...parts, scaled: seldom(3) });
  return all.map(({ features, alone, tokens, statics, scaled }) => {
    const scaling = scaled ? "standard" : undefined;
    return Object.assign({ features: tokens && alone ? undefined : features, scaling }, tokens, statics) as Input;
  });
}

/** An output with the options of every kind. */
function output(plain: boolean): fc.Arbitrary<Output> {
  const names = (size: number) => Array.from({ length: size }, (_, name) => `${name}`);
  const numbers = fc.record({
    values: upTo(6),
    steps: sometimes(3, upTo(3)),
    quantiles: sometimes(3, fc.constantFrom([0.5], [0.25, 0.75], [0.1, 0.5, 0.9])),
  });
  const kind = fc.oneof(
    numbers,
    upTo(17).map((size) => ({ classes: names(size + 1) })),
    upTo(17).map((size) => ({ labels: names(size) })),
  );
  const at = sometimes(2, fc.constantFrom("each" as const, "mean" as const, "max" as const, "attention" as const));
  const all = { kind, at, attentionUnits: sometimes(2, upTo(9)), tied: seldom(2), norm: plain ? fc.constant(undefined) : seldom(4), dropout: rate() };
  return fc.record(all).map(({ kind, ...place }) => Object.assign(place, kind) as Output);
}

/** Two normalised numbers are 1 and -1 whatever they were: rounding decides which. */
const SMALLEST_NORM = 5;

/** The definition without what does not go together, and with widths that do. */
function fitted(drawnInput: Input, drawn: readonly Drawn<Layer>[], drawnOutput: Output): ModelDefinition {
  const [input, output] = [fittedInput(drawnInput), { ...drawnOutput }];
  let reads = (input.features ?? 0) + (input.embedding ?? 0) + (input.staticsAs === "states" ? 0 : (input.statics ?? 0));
  const layers = drawn.map((one, index) => {
    const layer = fittedLayer(one);
    if (reads < SMALLEST_NORM) delete layer.inputNorm;
    const endsApart = layer.bidirectional === true && index + 1 === drawn.length && output.at === undefined;
    if (layer.residual && (endsApart || !widen(layer, reads))) delete layer.residual;
    reads = outputs(layer);
    return layer;
  });
  const top = layers.at(-1);
  if (output.attentionUnits !== undefined && output.at !== "attention") delete output.attentionUnits;
  if (output.tied) {
    const { tokens, embedding } = input;
    if (output.classes && tokens !== undefined && embedding !== undefined && top && !top.residual && widen(top, embedding)) {
      output.classes = Array.from({ length: tokens }, (_, name) => `${name}`);
      delete input.sparse;
    } else delete output.tied;
  }
  if (top && outputs(top) < SMALLEST_NORM) delete output.norm;
  for (const layer of layers) if (layer.units < SMALLEST_NORM) delete layer.layerNorm;
  // Through JSON, so that what is undefined is not there.
  return defineModel(JSON.parse(JSON.stringify({ input, layers, output })) as ModelDefinition) as ModelDefinition;
}

function fittedInput(drawn: Input): Input {
  const input = { ...drawn };
  if (input.padding !== undefined && input.padding >= (input.tokens ?? 0)) delete input.padding;
  if (input.features === undefined && input.statics === undefined) delete input.scaling;
  return input;
}

const OF_LSTM = ["projection", "peepholes", "layerNorm", "coupledGates", "cellClip", "gateActivation"] as const;

/** Without the options of other cells. */
function fittedLayer(drawn: Drawn<Layer>): Drawn<Layer> {
  const layer = { ...drawn };
  if (layer.cell !== "lstm") {
    for (const option of OF_LSTM) delete layer[option];
    if (layer.zoneout) layer.zoneout = { hidden: layer.zoneout.hidden ?? 0 };
  }
  if (layer.cell !== "gru") delete layer.reset;
  if (layer.cell !== "rnn") delete layer.activation;
  if (layer.projection !== undefined && layer.projection >= layer.units) delete layer.projection;
  if (layer.bidirectional !== true) delete layer.merge;
  return layer;
}

/** Makes a layer give so many numbers, if it can. */
function widen(layer: Drawn<Layer>, outputs: number): boolean {
  const sides = layer.bidirectional === true && layer.merge === undefined ? 2 : 1;
  if (outputs % sides !== 0) return false;
  const hidden = outputs / sides;
  layer.units = layer.projection === undefined ? hidden : hidden + 2;
  if (layer.projection !== undefined) layer.projection = hidden;
  return true;
}

function outputs({ units, projection = units, bidirectional, merge }: Layer): number {
  return projection * (bidirectional === true && merge === undefined ? 2 : 1);
}
