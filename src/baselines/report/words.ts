// How a comparison's figures are written, wherever they are shown: names, units, digits. Draws nothing.

import type { Comparison, PairedTest, Spread } from "../compare/types.js";

/** A figure as tables show it. */
export interface FigureStyle {
  readonly key: string;
  readonly label: string;
  /** Whether it is a part of 1 that is shown as a percentage. */
  readonly percent?: boolean;
  /** The better end: the best is marked. Neither of coverage, which should be 80 %. */
  readonly better?: "high" | "low";
}

const CLASSIFICATION: readonly FigureStyle[] = [
  { key: "accuracy", label: "accuracy", percent: true, better: "high" },
  { key: "balancedAccuracy", label: "balanced", percent: true, better: "high" },
  { key: "f1", label: "F1", better: "high" },
  { key: "auc", label: "ROC AUC", better: "high" },
  { key: "averagePrecision", label: "PR AUC", better: "high" },
  { key: "logLoss", label: "log loss", better: "low" },
  { key: "calibrationError", label: "ECE", better: "low" },
];

const FORECASTING: readonly FigureStyle[] = [
  { key: "mape", label: "MAPE", percent: true, better: "low" },
  { key: "rmse", label: "RMSE", better: "low" },
  { key: "mae", label: "MAE", better: "low" },
  { key: "smape", label: "sMAPE", percent: true, better: "low" },
  { key: "mase", label: "MASE", better: "low" },
  { key: "pinball", label: "pinball", better: "low" },
  { key: "coverage", label: "coverage", percent: true },
];

/** The columns of figures of a task. */
export function figuresOf({ task }: Comparison): readonly FigureStyle[] {
  return task === "classification" ? CLASSIFICATION : FORECASTING;
}

/** Each entrant's figure, in the order of the comparison. */
export function summaryOf(comparison: Comparison, key: string): (Spread | null)[] {
  return comparison.entrants.map(({ summary }) => (summary as Readonly<Record<string, Spread | null>>)[key] ?? null);
}

/** Which of these is the best; −1 where none is better than the others. */
export function bestOf(spreads: readonly (Spread | null)[], better: FigureStyle["better"]): number {
  const means = spreads.map((spread) => (spread && better ? spread.mean * (better === "high" ? 1 : -1) : -Infinity));
  const best = Math.max(...means);
  return best > -Infinity && means.some((mean) => mean > -Infinity && mean < best) ? means.indexOf(best) : -1;
}

/** "83.2 %" and "± 0.4", or a dash and nothing. One run alone has no spread. */
export function written(
  spread: Spread | null,
  style: Pick<FigureStyle, "percent">,
  runs: number,
): { readonly mean: string; readonly around: string } {
  if (!spread) return { mean: "–", around: "" };
  const factor = style.percent ? 100 : 1;
  const digits = style.percent ? 2 : digitsOf(spread.mean);
  const around = runs > 1 ? `± ${(spread.deviation * factor).toFixed(digits)}` : "";
  return { mean: `${(spread.mean * factor).toFixed(digits)}${style.percent ? " %" : ""}`, around };
}

/** Three digits after the point of what is about 1, fewer of what is large. */
function digitsOf(value: number): number {
  return Math.abs(value) >= 1000 ? 0 : Math.abs(value) >= 10 ? 2 : 3;
}

/** "12 ms", "3.4 s", "5 min 10 s" */
export function duration(seconds: number): string {
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** "0.034", "< 0.001" */
export function probability(p: number): string {
  return p < 0.001 ? "< 0.001" : p.toFixed(3);
}

/** The names of the tests, and what they compare. */
export const TESTS: Readonly<Record<PairedTest["kind"], { readonly name: string; readonly of: string }>> = {
  mcnemar: { name: "McNemar, mid-p", of: "accuracy" },
  delong: { name: "DeLong", of: "ROC AUC" },
  "diebold-mariano": { name: "Diebold–Mariano (HLN)", of: "mean squared error" },
};

/** "+1.2 points", "−0.004": by how much the reference is better. */
export function advantage({ kind, advantage }: PairedTest): string {
  const sign = advantage < 0 ? "−" : "+";
  const size = Math.abs(advantage);
  if (kind === "mcnemar") return `${sign}${(100 * size).toFixed(2)} points`;
  return `${sign}${size.toFixed(kind === "delong" ? 4 : digitsOf(size))}`;
}

/** What the data is, in a sentence or two. */
export function described(comparison: Comparison): string {
  if (comparison.task === "classification") {
    const { train, test } = comparison.data;
    const { classes } = comparison;
    const features = train.features === 1 ? "one feature" : `${train.features} features`;
    const sequences = `${train.samples} training and ${test.samples} test sequences`;
    const steps = `up to ${Math.max(train.steps, test.steps)} steps`;
    return `${sequences} of ${steps} with ${features}, ${classes.length} classes: ${classes.join(", ")}.`;
  }
  const { series, horizon, season, origins, transform } = comparison;
  const from = origins.length === 1 ? "from one origin" : `from each of ${origins.length} origins, fitted anew at each`;
  const seasons = season > 1 ? `, seasons of ${season} steps` : "";
  const seen = transform === "log" ? "its natural logarithm" : "it as it is";
  return `A series of ${series.length} steps${seasons}, forecast ${horizon} steps ahead ${from}. Every entrant sees ${seen}.`;
}
