// `compare`: on the same data, the same split and the same seeds. Chooses by the task, nothing else.

import { GatewiseError } from "../../errors.js";
import { type ClassificationOptions, compareClassifiers } from "./classification.js";
import { type ForecastingOptions, compareForecasters } from "./forecasting.js";
import type { ClassificationComparison, Comparison, ForecastComparison } from "./types.js";

/** Who is to be compared on what: a task of either kind. */
export type CompareOptions = ClassificationOptions | ForecastingOptions;

/**
 * Trains every entrant on the same training part, with every seed that it depends on, and holds them to the same test part: figures
 * with their spread over the seeds, parameters, times, and a paired test of each against the reference. The result is plain data:
 * `toTable` prints it, `toHtml` draws it, and `JSON.stringify` keeps it for either.
 *
 * @param options the task, the data, who is compared
 * @returns what came of it
 * @throws {GatewiseError} `invalid_option`, `shape_mismatch`, `empty_data`, `not_finite`, `unknown_class`, `invalid_length`,
 * `missing_package` for what needs a package that is not installed; and what networks throw
 * @throws the signal's reason, once it is aborted; whatever a callback threw
 *
 * @example
 * ```ts
 * const comparison = await compare({
 *   task: "classification",
 *   train: { x, shape: [300, 24, 5], targets },
 *   test: { x: testX, shape: [100, 24, 5], targets: testTargets },
 *   entrants: ["lstm", "gru", "majority", "logistic", { kind: "1nn-dtw", window: 0.1 }],
 *   seeds: [1, 2, 3],
 * });
 * console.log(toTable(comparison));
 *
 * const forecasts = await compare({
 *   task: "forecasting",
 *   series: passengers,
 *   horizon: 12,
 *   season: 12,
 *   transform: "log",
 *   entrants: ["sarima", "lstm", "seasonal-naive"],
 * });
 * await writeFile("report.html", await toHtml(forecasts));
 * ```
 */
export function compare(options: ClassificationOptions): Promise<ClassificationComparison>;
export function compare(options: ForecastingOptions): Promise<ForecastComparison>;
export function compare(options: CompareOptions): Promise<Comparison>;
export async function compare(options: CompareOptions): Promise<Comparison> {
  options.signal?.throwIfAborted();
  switch (options.task) {
    case "classification":
      return compareClassifiers(options);
    case "forecasting":
      return compareForecasters(options);
    default: {
      const { task } = options as { task?: unknown };
      throw new GatewiseError("invalid_option", "task", `task is ${JSON.stringify(task)}: give "classification" or "forecasting"`);
    }
  }
}
