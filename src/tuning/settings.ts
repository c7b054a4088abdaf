// What a tuning is told as plain data, which a configuration file may hold as well: the space, the budget and how to spend it.

import * as v from "valibot";

import { fields } from "../validate.js";
import { ObjectiveSchema } from "./objective.js";
import { type Budget, BudgetSchema, SearchSchema } from "./plan.js";
import { type Space, SpaceSchema } from "./space.js";

const count = (what: string) => v.pipe(v.number(what), v.safeInteger(what), v.minValue(1, what));

/** The fields of {@link TuningSettings}. */
export const SETTINGS = {
  space: SpaceSchema,
  budget: BudgetSchema,
  search: v.optional(SearchSchema),
  objective: v.optional(ObjectiveSchema),
  seed: v.optional(v.pipe(v.number("the seed is a whole number"), v.safeInteger("the seed is a whole number"))),
  workers: v.optional(count("this must be how many trials train at once, a whole number from 1 on")),
  threads: v.optional(count("this must be the threads of each trial, a whole number from 1 on")),
};

export const SettingsSchema = fields(SETTINGS);

/** What to try, for how long, and by what to judge it. */
export interface TuningSettings extends Readonly<Omit<v.InferInput<typeof SettingsSchema>, "space" | "budget">> {
  readonly space: Space;
  readonly budget: Budget;
}
