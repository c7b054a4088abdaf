// What a model says about sequences, out of the numbers that the core gives: classes, labels, values.

import { GatewiseError } from "../errors.js";
import type * as core from "../generated/core.js";
import type { Output, Prediction, StepPrediction } from "./outputs.js";

/** Reads the prediction number `index` out of an array of many. */
export type ReadPrediction<Out extends Output> = (numbers: Float32Array, index?: number) => StepPrediction<Out>;

/** Numbers of one prediction: one a class or label; [steps ahead, values, quantiles]. */
export function sizeOf(output: core.OutputDefinition): number {
  return (output.classes ?? output.labels)?.length ?? targetSizeOf(output) * (output.quantiles?.length ?? 1);
}

/** Numbers of one target. */
export function targetSizeOf(output: core.OutputDefinition): number {
  return output.classes ? 1 : (output.labels?.length ?? (output.values ?? 1) * (output.steps ?? 1));
}

/** How predictions of an output are read. What `Out` is, the caller answers for. */
export function predictionReader<Out extends Output>(output: core.OutputDefinition): ReadPrediction<Out> {
  const { classes, labels } = output;
  const read = classes
    ? (numbers: Float32Array, index = 0) => toClass(classes, numbers, index)
    : labels
      ? (numbers: Float32Array, index = 0) => toLabels(labels, numbers, index)
      : valuesReader(output);
  return read as ReadPrediction<Out>;
}

/** The prediction for a sequence that has one for each of its steps, the first of which is number `first`. */
export function eachStep<Out extends Output>(
  read: ReadPrediction<Out>,
  numbers: Float32Array,
  first: number,
  length: number,
): Prediction<Out> {
  const steps = Array.from({ length }, (_, step) => read(numbers, first + step));
  return steps as Prediction<Out>;
}

/**
 * The most probable class. Loops by hand: with iterators and `Object.defineProperty` it would take longer than a small
 * network's step.
 */
function toClass(classes: readonly string[], probabilities: Float32Array, index: number) {
  const named: Record<string, number> = {};
  const first = index * classes.length;
  let best: string | undefined;
  let highest = -Infinity;
  for (let place = 0; place < classes.length; place++) {
    const label = classes[place] as string;
    const probability = probabilities[first + place] ?? 0;
    name(named, label, probability);
    if (probability > highest) {
      highest = probability;
      best = label;
    }
  }
  if (best === undefined) {
    const message = "no class has a probability, each is NaN: the model's weights are not finite or far too large; `run` gives the numbers";
    throw new GatewiseError("not_finite", `predictions[${index}]`, message);
  }
  return { label: best, probabilities: named };
}

/** The labels above one half. */
function toLabels(labels: readonly string[], probabilities: Float32Array, index: number) {
  const named: Record<string, number> = {};
  const first = index * labels.length;
  const found: string[] = [];
  for (let place = 0; place < labels.length; place++) {
    const label = labels[place] as string;
    const probability = probabilities[first + place] ?? 0;
    name(named, label, probability);
    if (probability > 0.5) found.push(label);
  }
  return { labels: found, probabilities: named };
}

function valuesReader(output: core.OutputDefinition) {
  const { values = 1, steps, quantiles } = output;
  const shape = [...(steps === undefined ? [] : [steps]), values, ...(quantiles ? [quantiles.length] : [])];
  const size = sizeOf(output);
  return (numbers: Float32Array, index = 0) => ({
    values: numbers.slice(index * size, (index + 1) * size),
    shape: [...shape],
  });
}

function name(named: Record<string, number>, label: string, value: number): void {
  if (label !== "__proto__") named[label] = value;
  // The one name to which nothing can be assigned.
  else Object.defineProperty(named, label, { value, enumerable: true, writable: true, configurable: true });
}
