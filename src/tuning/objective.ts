// What trials are judged by: a figure of `evaluate`'s report on the validation data. That loss is the plain one of the output,
// whatever a trial was trained with, so that trials compare.

import * as v from "valibot";

import { GatewiseError } from "../errors.js";
import { didYouMean } from "../suggest.js";

/** The figures of all reports, and whether less is better. */
const LESS_IS_BETTER = {
  loss: true,
  mae: true,
  rmse: true,
  perplexity: true,
  accuracy: false,
  balancedAccuracy: false,
  f1: false,
  auc: false,
  exactMatch: false,
  r2: false,
} as const;

/** A figure of the report on the validation data. Less is better of losses and errors, more of everything else. */
export type Objective = keyof typeof LESS_IS_BETTER;

const OBJECTIVES = Object.keys(LESS_IS_BETTER) as [Objective, ...Objective[]];

export const ObjectiveSchema = v.picklist(
  OBJECTIVES,
  ({ input }) => `this is no figure of a report${didYouMean(String(input), OBJECTIVES) || `: take one of ${OBJECTIVES.join(", ")}`}`,
);

/** Negative where the value `a` is better than `b`. */
export function compareValues(objective: Objective, a: number, b: number): number {
  return LESS_IS_BETTER[objective] ? a - b : b - a;
}

/** The figure of a report. */
export function readObjective(objective: Objective, report: object): number {
  const value: unknown = (report as Record<string, unknown>)[objective];
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (typeof value === "number") throw new GatewiseError("not_finite", "objective", `the ${objective} of the validation data is ${value}`);
  const there = OBJECTIVES.filter((name) => typeof (report as Record<string, unknown>)[name] === "number");
  const message = `the report on this validation data has no ${objective}: take one of ${there.join(", ")}`;
  throw new GatewiseError("invalid_option", "objective", message);
}
