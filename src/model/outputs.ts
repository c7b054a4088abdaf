// What a model's output makes of everything that depends on it: predictions, targets, losses, reports. Types only.

import type { ClassIndices } from "../data/types.js";
import type * as core from "../generated/core.js";

/** The steps that an output is computed from, and the options of it. */
type Place = { readonly [Key in "at" | "attentionUnits" | "norm" | "dropout"]?: core.OutputDefinition[Key] | undefined };

/** One of several classes. `Label` is the union of their names. */
export interface ClassesOutput<Label extends string = string> extends Place {
  /** The classes' names, at least two, no two alike. With two classes, the second is the positive one in reports. */
  readonly classes: readonly Label[];
  /** Whether the embeddings of the input's tokens are the output's weights too: there is a class for each. */
  readonly tied?: boolean | undefined;
}

/** Any number of several labels at once. `Label` is the union of their names. */
export interface LabelsOutput<Label extends string = string> extends Place {
  /** The labels' names, no two alike. */
  readonly labels: readonly Label[];
}

/** Numbers, as they are. */
export interface ValuesOutput extends Place {
  /** How many. */
  readonly values: number;
  /** For how many steps ahead, each with its own numbers. 1 unless given. */
  readonly steps?: number | undefined;
  /** These quantiles of each number instead of its mean: rising, each above 0 and below 1. */
  readonly quantiles?: readonly number[] | undefined;
}

/** What a model predicts, and from which steps: `at` is `"last"`, `"each"`, `"mean"`, `"max"` or `"attention"`. */
export type OutputDefinition = ClassesOutput | LabelsOutput | ValuesOutput;

/**
 * How types say what a model predicts: its output's definition; or, for classes of whole sequences, short the union of
 * their names.
 */
export type Output = string | OutputDefinition;

/** The definitions that a union of names is short for. */
export type Classifier<Label extends string> = Omit<ClassesOutput<Label>, "at"> & {
  readonly at?: Exclude<core.At, "each"> | undefined;
};

/** An output's definition, as `defineModel` was given it, in its shortest form. */
export type OutputOf<Out extends OutputDefinition> =
  Out extends ClassesOutput<infer Label> ? (IsEach<Out> extends false ? Label : Out) : Out;

/** Whether there is an output for each step: true, false, or `boolean` where the type does not say. */
type IsEach<Out> = Out extends { readonly at?: infer At }
  ? unknown extends At
    ? false
    : "each" extends At
      ? Exclude<At, undefined> extends "each"
        ? true
        : boolean
      : false
  : false;

/** `One`, or a list of it where there is an output for each step. */
type ForEach<Out, One> = IsEach<Out> extends true ? One[] : IsEach<Out> extends false ? One : One | One[];

/** The most probable of several classes. */
export interface ClassPrediction<Label extends string = string> {
  /** The most probable class; of several, the first. */
  readonly label: Label;
  /** The probability of each class. They sum to 1. */
  readonly probabilities: Readonly<Record<Label, number>>;
}

/** The labels that are more probable than not. */
export interface LabelsPrediction<Label extends string = string> {
  /** Those whose probability is above one half, in the order of the definition. */
  readonly labels: readonly Label[];
  /** The probability of each label, apart from the others. */
  readonly probabilities: Readonly<Record<Label, number>>;
}

/** Numbers. */
export interface ValuesPrediction {
  /** The numbers, row-major. */
  readonly values: Float32Array;
  /** Their sizes: [values]; with `steps` [steps, values]; with `quantiles` one more at the end. */
  readonly shape: readonly number[];
}

/** What a model predicts at one step: what streams give. */
export type StepPrediction<Out extends Output = string> = [Out] extends [string]
  ? ClassPrediction<Out>
  : Out extends ClassesOutput<infer Label>
    ? ClassPrediction<Label>
    : Out extends LabelsOutput<infer Label>
      ? LabelsPrediction<Label>
      : Out extends ValuesOutput
        ? ValuesPrediction
        : ClassPrediction;

/** What a model predicts for one sequence; where there is an output for each step, one for each of its valid steps. */
export type Prediction<Out extends Output = string> = [Out] extends [string]
  ? ClassPrediction<Out>
  : Out extends OutputDefinition
    ? ForEach<Out, StepPrediction<Out>>
    : ClassPrediction;

/** A list a sequence, or where there is an output for each step a list of one a step. */
type Listed<Out, One> =
  IsEach<Out> extends true
    ? readonly (readonly One[])[]
    : IsEach<Out> extends false
      ? readonly One[]
      : readonly One[] | readonly (readonly One[])[];

/**
 * What training and evaluation hold predictions to.
 *
 * - Classes: [n] names, or indices in an integer typed array. For each step: [n] lists of names, `null` for a step without
 *   one; or [n, steps] indices, of which one below 0 is none.
 * - Labels: [n] lists of names, or [n, labels] of 0 and 1. For each step: [n] lists of such lists, or [n, steps, labels].
 * - Values: [n, steps ahead, values]. For each step: [n, steps, steps ahead, values].
 *
 * What stands in the padding does not matter.
 */
export type Targets<Out extends Output = string> = [Out] extends [string]
  ? readonly Out[] | ClassIndices
  : Out extends ClassesOutput<infer Label>
    ? ClassIndices | Listed<Out, IsEach<Out> extends false ? Label : Label | null>
    : Out extends LabelsOutput<infer Label>
      ? Float32Array | Uint8Array | Listed<Out, readonly Label[]>
      : Float32Array;

/** The options of the losses that fit an output; see the core's `LossOptions`. */
export type Loss<Out extends Output = string> = [Out] extends [string]
  ? CrossEntropy<Out>
  : Out extends ClassesOutput<infer Label>
    ? CrossEntropy<Label>
    : Out extends LabelsOutput<infer Label>
      ? LossOf<"binary_cross_entropy", "positiveWeights", Label>
      : Out extends { readonly quantiles: readonly number[] }
        ? never
        : { readonly kind: "mse" | "mae" } | { readonly kind: "huber"; readonly delta?: core.LossOptions["delta"] };

type LossOf<Kind extends core.LossKind, Weights extends "classWeights" | "positiveWeights", Label extends string> = {
  readonly kind: Kind;
} & { readonly [Key in Weights]?: Readonly<Partial<Record<Label, number>>> | undefined };

type CrossEntropy<Label extends string> = LossOf<"cross_entropy", "classWeights", Label> & {
  readonly labelSmoothing?: number | undefined;
};

/** What `evaluate` tells of an output. */
export type Report<Out extends Output = string> = [Out] extends [string]
  ? core.ClassificationReport
  : Out extends ClassesOutput
    ? IsEach<Out> extends true
      ? core.StepsReport
      : IsEach<Out> extends false
        ? core.ClassificationReport
        : core.ClassificationReport | core.StepsReport
    : Out extends LabelsOutput
      ? core.LabelsReport
      : Out extends ValuesOutput
        ? core.ValuesReport
        : core.ClassificationReport;

/** Part of what can be right that is; of values, nothing can. */
export type Accuracy<Out extends Output = string> = [Out] extends [string]
  ? number
  : Out extends ValuesOutput
    ? null
    : number;
