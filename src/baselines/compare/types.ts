// What a comparison says: plain data, as JSON has it. Types only.

import type { EpochLosses } from "../classifier.js";

/** Mean and standard deviation (over n − 1; 0 of one number) of the runs' figures. */
export interface Spread {
  readonly mean: number;
  readonly deviation: number;
}

/** Figures of predicted classes. Null where they have no value: without probabilities, or with one class alone in the test part. */
export interface ClassificationFigures {
  readonly accuracy: number;
  readonly balancedAccuracy: number;
  /** Two classes: of the positive one. More: the mean over them. */
  readonly f1: number;
  /** Two classes: of the positive one. More: the mean over them, each against the rest. */
  readonly auc: number | null;
  /** Area under the precision-recall curve, of the positive class or as the mean over all. */
  readonly averagePrecision: number | null;
  readonly logLoss: number | null;
  /** Of the predicted class's probability, in 15 bins (Guo et al. 2017). */
  readonly calibrationError: number | null;
}

/** Figures of forecasts. MAPE, sMAPE and coverage are parts of 1. */
export interface ForecastFigures {
  readonly mae: number;
  readonly rmse: number;
  /** Null where a true number is 0. */
  readonly mape: number | null;
  readonly smape: number;
  /** Scaled by the seasonal naive forecast of each origin's own training part; null where that makes no error. */
  readonly mase: number | null;
  /** The mean pinball loss of the quantiles 0.1, 0.5 and 0.9; null without intervals. */
  readonly pinball: number | null;
  /** The part of what came that lies within the intervals, which should be 0.8. */
  readonly coverage: number | null;
}

/** Seconds of one run. */
export interface Seconds {
  readonly fit: number;
  readonly predict: number;
}

/** One way of predicting, trained once: with one seed. */
export interface Run<Figures> {
  /** Null for what knows no chance. */
  readonly seed: number | null;
  readonly figures: Figures;
  readonly seconds: Seconds;
  /** The losses of each pass over the training data, where there are passes; of several origins, the last's. */
  readonly epochs: readonly EpochLosses[];
}

/** A run that predicted classes. */
export interface ClassificationRun extends Run<ClassificationFigures> {
  /** [n] the predicted classes, counted from 0 in the order of the comparison's. */
  readonly predicted: readonly number[];
  /** `confusion[t][p]`: samples of class `t` that were taken for class `p`. */
  readonly confusion: readonly (readonly number[])[];
  /** For each class against the rest, or the positive one alone of two: [false positive rate, true positive rate] of at most 200 points. */
  readonly roc: readonly { readonly class: string; readonly points: readonly (readonly [number, number])[] }[] | null;
}

/** A run that forecast. */
export interface ForecastRun extends Run<ForecastFigures> {
  readonly forecasts: readonly OriginForecast[];
}

/** What was forecast at one origin. */
export interface OriginForecast {
  /** How many steps of the series were known. */
  readonly origin: number;
  readonly values: readonly number[];
  readonly lower: readonly number[] | null;
  readonly upper: readonly number[] | null;
}

/** One way of predicting and how it did. */
export interface EntrantResult<Of extends Run<object>> {
  readonly name: string;
  /** How it was made and trained, or what it chose. */
  readonly settings: object | null;
  /** Numbers that were learned; null where that cannot be said. */
  readonly parameters: number | null;
  /** One a seed; one alone of what knows no chance. */
  readonly runs: readonly Of[];
  /** Null where a run has no such figure. */
  readonly summary: { readonly [Key in keyof Of["figures"]]: Spread | null };
  readonly seconds: { readonly [Key in keyof Seconds]: Spread };
}

/** Whether one of the others differs from the reference by more than chance. */
export interface PairedTest {
  /** McNemar's mid-p test of accuracies, DeLong's of areas under ROC curves, Diebold and Mariano's of forecasts' losses. */
  readonly kind: "mcnemar" | "delong" | "diebold-mariano";
  readonly reference: string;
  readonly other: string;
  /** The mean over the seeds by which the reference is better: of accuracies or areas, or how much smaller its loss is. */
  readonly advantage: number;
  /** Two-sided, one a seed: the k-th seed of one with the k-th of the other. */
  readonly pValues: readonly number[];
  /** All seeds' as one: k·p₍ᵢ₎/i with i half of k, rounded up, at most 1, which holds whatever the seeds have in common (Rüger 1978). */
  readonly pValue: number;
  /** The same for all tests of this kind together (Holm 1979). */
  readonly adjusted: number;
}

/** What both tasks' comparisons say. */
interface Said {
  readonly title: string;
  readonly seeds: readonly number[];
  /** The entrant that the others are tested against. */
  readonly reference: string;
  readonly tests: readonly PairedTest[];
  /** What a reader should know of the tests: how they were made, or why there are none. */
  readonly notes: readonly string[];
}

/** The size of one part of the data. */
export interface PartSize {
  readonly samples: number;
  /** The longest sequence's. */
  readonly steps: number;
  readonly features: number;
  /** Samples of each class. */
  readonly classes: Readonly<Record<string, number>>;
}

/** How ways of classifying did on the same data. */
export interface ClassificationComparison extends Said {
  readonly task: "classification";
  readonly classes: readonly string[];
  /** Of two classes the one that F1 and areas are of; null of more. */
  readonly positive: string | null;
  readonly data: { readonly train: PartSize; readonly test: PartSize };
  /** [n] the test part's classes, counted from 0. */
  readonly truth: readonly number[];
  readonly entrants: readonly EntrantResult<ClassificationRun>[];
}

/** How ways of forecasting did on the same series. */
export interface ForecastComparison extends Said {
  readonly task: "forecasting";
  readonly series: readonly number[];
  /** Milliseconds since 1970 of each step; null where none were given. */
  readonly times: readonly number[] | null;
  readonly horizon: number;
  readonly season: number;
  readonly transform: "none" | "log";
  /** How many steps are known at each origin; everything is fitted anew at each. */
  readonly origins: readonly number[];
  readonly entrants: readonly EntrantResult<ForecastRun>[];
}

/** What `compare` gives. */
export type Comparison = ClassificationComparison | ForecastComparison;

/** How far a comparison is. */
export interface ComparisonProgress {
  readonly entrant: string;
  readonly seed: number | null;
  readonly phase: "fit" | "predict";
  /** The part of this run's work that is done, from 0 to 1, where that is known; else 0. */
  readonly fraction: number;
  /** Counted from 1. */
  readonly run: number;
  readonly runs: number;
}
