// What is computed: the shapes of the benchmark, and how many floating-point operations they are.

import type { ClassesOutput, ModelDefinition } from "gatewise";

export interface Shape {
  /** Sequences a batch, B. */
  readonly batch: number;
  /** Steps of the longest sequence, T. */
  readonly steps: number;
  /** Numbers a step, I; where a step is a token, those that it is looked up as. */
  readonly features: number;
  /** Hidden units of each layer and direction, H. */
  readonly units: number;
  readonly layers: number;
  readonly bidirectional: boolean;
  /** Lengths drawn evenly from 10 to `steps`, instead of all being `steps`. */
  readonly ragged: boolean;
  /** The cell and its options, as a layer's definition has them. */
  readonly layer: LayerOptions;
  /** What a step has but `features` numbers, or instead of them: nothing unless given. */
  readonly input?: InputOptions;
  /** From which steps the output comes, and how: {@link CLASSES} classes from the last unless given. */
  readonly output?: OutputOptions;
}

/** A layer's definition without what the shape says. */
export type LayerOptions = Omit<ModelDefinition["layers"][number], "units" | "bidirectional">;

/** An input's definition without what the shape says. */
export type InputOptions = Pick<ModelDefinition["input"], "tokens" | "sparse" | "statics" | "staticsAs">;

/** An output's definition, with how many classes there are instead of their names. */
export interface OutputOptions extends Pick<ClassesOutput, "at" | "dropout" | "tied"> {
  readonly classes?: number;
}

const LSTM: LayerOptions = { cell: "lstm" };

/** Classes of the linear head, unless the shape says how many. */
export const CLASSES = 10;

/** The shortest of ragged sequences. */
export const SHORTEST = 10;

type Extras = Partial<Pick<Shape, "layers" | "bidirectional" | "ragged" | "layer" | "input" | "output">>;

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
export function nameOf({ batch, steps, features, units, layers, bidirectional, ragged, layer, input = {}, output = {} }: Shape): string {
  const structure = [layers === 2 && "two layers", bidirectional && "bidirectional", ragged && "ragged"];
  const words = [...structure, ...wordsOfInput(input), ...wordsOfOutput(output)];
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

function wordsOfInput({ tokens, sparse, statics, staticsAs }: InputOptions) {
  return [tokens && `${tokens} tokens`, sparse && "sparse", statics && `${statics} statics`, staticsAs && `as ${staticsAs}`];
}

function wordsOfOutput({ classes, at, dropout, tied }: OutputOptions) {
  return [classes && `${classes} classes`, at && `at ${at}`, dropout && "output dropout", tied && "tied"];
}

/** How many numbers an output has. */
export function classesOf({ output }: Shape): number {
  return output?.classes ?? CLASSES;
}

/**
 * Floating-point operations of the products at each step that counts, in one forward pass: 2·(G·H·(I+R) + R·H if projected)
 * of each layer and direction, G being the cell's gates, R the numbers of a hidden state and I with the statics beside a step;
 * 2·K·R of a head of K classes at each step, and 2·R·R of attention's hidden layer. Gates, what is computed once a sequence
 * (a head at its end, a map from statics to states) and everything else are in the times but not in the count; looking up an
 * embedding is no product.
 *
 * @param validSteps of all sequences together; batch · steps unless given
 */
export function forwardOperations(shape: Shape, validSteps = shape.batch * shape.steps): number {
  const { units, layers } = shape;
  const { projection } = shape.layer;
  const hidden = projection ?? units;
  const above = hidden * directionsOf(shape);
  const gates = perInput(shape, validSteps) * (inputsOf(shape) + hidden + (layers - 1) * (above + hidden));
  const projected = projection === undefined ? 0 : 2 * projection * units * layers * directionsOf(shape) * validSteps;
  return gates + projected + 2 * above * outputsOf(shape, above) * validSteps;
}

/**
 * The same with the backward pass: as much again for the gradients of the weights, and for those of states and inputs; but
 * nobody computes the gradient of the first layer's input, unless it is an embedding.
 */
export function trainingOperations(shape: Shape, validSteps = shape.batch * shape.steps): number {
  const data = inputsOf(shape) - (shape.input?.tokens === undefined ? 0 : shape.features);
  return 3 * forwardOperations(shape, validSteps) - perInput(shape, validSteps) * data;
}

/** Numbers a step that go into the first layer. */
function inputsOf({ features, input }: Shape): number {
  return features + (input?.staticsAs === "states" ? 0 : (input?.statics ?? 0));
}

/** Numbers that are computed from the last layer's `above` numbers of each step. */
function outputsOf(shape: Shape, above: number): number {
  const at = shape.output?.at;
  return at === "each" ? classesOf(shape) : at === "attention" ? above : 0;
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
