// What is computed: the shapes of the benchmark, and how many floating-point operations they are.

import type { ModelDefinition } from "gatewise";

export interface Shape {
  /** Sequences a batch, B. */
  readonly batch: number;
  /** Steps of the longest sequence, T. */
  readonly steps: number;
  /** Numbers a step, I. */
  readonly features: number;
  /** Hidden units of each layer and direction, H. */
  readonly units: number;
  readonly layers: number;
  readonly bidirectional: boolean;
  /** Lengths drawn evenly from 10 to `steps`, instead of all being `steps`. */
  readonly ragged: boolean;
  /** The cell and its options, as a layer's definition has them. */
  readonly layer: LayerOptions;
}

/** A layer's definition without what the shape says. */
export type LayerOptions = Omit<ModelDefinition["layers"][number], "units" | "bidirectional">;

const LSTM: LayerOptions = { cell: "lstm" };

/** Classes of the linear head. */
export const CLASSES = 10;

/** The shortest of ragged sequences. */
export const SHORTEST = 10;

type Extras = Partial<Pick<Shape, "layers" | "bidirectional" | "ragged" | "layer">>;

export function shape(batch: number, steps: number, features: number, units: number, extras: Extras = {}): Shape {
  return { batch, steps, features, units, layers: 1, bidirectional: false, ragged: false, layer: LSTM, ...extras };
}

/** Batches of sequences, for inference, gradients and training. */
export const SHAPES: readonly Shape[] = [
  shape(32, 100, 16, 128),
  shape(64, 28, 28, 128),
  shape(64, 128, 64, 256),
  shape(128, 64, 256, 512),
  shape(128, 32, 32, 64),
  shape(256, 24, 8, 32),
  shape(1, 100, 16, 64),
  shape(1, 256, 64, 256),
  shape(8, 200, 12, 96),
  shape(32, 100, 64, 128, { layers: 2 }),
  shape(32, 100, 64, 128, { bidirectional: true }),
  shape(64, 128, 64, 256, { ragged: true }),
];

/** Of those, what `--quick` keeps: one of each kind that is quick. */
export const QUICK_SHAPES: readonly Shape[] = [SHAPES[1], SHAPES[5], SHAPES[6]].filter((shape) => shape !== undefined);

/** Single steps of single sequences. */
export const STREAMING_SHAPES: readonly Shape[] = [shape(1, 1, 16, 64), shape(1, 1, 64, 256)];

/** "64,28,28,128", with what is special in words after it. */
export function nameOf({ batch, steps, features, units, layers, bidirectional, ragged, layer }: Shape): string {
  const words = [layers === 2 && "two layers", bidirectional && "bidirectional", ragged && "ragged"];
  const extras = [layer === LSTM ? false : nameOfLayer(layer), ...words].filter(Boolean);
  return [[batch, steps, features, units].join(","), ...extras].join(" ");
}

/** "gru", "lstm coupledGates", "rnn relu". */
export function nameOfLayer({ cell, ...options }: LayerOptions): string {
  const named = Object.entries(options).map(([name, value]) => {
    if (value === false) return `no ${name}`;
    return typeof value === "string" ? value : name;
  });
  return [cell, ...named].join(" ");
}

/**
 * Floating-point operations of the layers' products in one forward pass, 2·(G·H·(I+R) + R·H if projected), G being the cell's
 * gates and R the numbers of a hidden state, for each step that counts, layer and direction. Gates, head and everything else
 * are in the times but not in the count.
 *
 * @param validSteps of all sequences together; batch · steps unless given
 */
export function forwardOperations(shape: Shape, validSteps = shape.batch * shape.steps): number {
  const { units, layers } = shape;
  const { projection } = shape.layer;
  const hidden = projection ?? units;
  const above = hidden * directionsOf(shape);
  const gates = perInput(shape, validSteps) * (shape.features + hidden + (layers - 1) * (above + hidden));
  return gates + (projection === undefined ? 0 : 2 * projection * units * layers * directionsOf(shape) * validSteps);
}

/**
 * The same with the backward pass: as much again for the gradients of the weights, and for those of states and inputs; but
 * nobody computes the gradient of the first layer's input.
 */
export function trainingOperations(shape: Shape, validSteps = shape.batch * shape.steps): number {
  return 3 * forwardOperations(shape, validSteps) - perInput(shape, validSteps) * shape.features;
}

/** Operations of a layer's products for one number that goes into it at each step. */
function perInput(shape: Shape, validSteps: number): number {
  return 2 * gatesOf(shape.layer) * shape.units * directionsOf(shape) * validSteps;
}

function directionsOf({ bidirectional }: Shape): number {
  return bidirectional ? 2 : 1;
}

function gatesOf({ cell, coupledGates }: LayerOptions): number {
  return { lstm: coupledGates ? 3 : 4, gru: 3, rnn: 1 }[cell];
}
