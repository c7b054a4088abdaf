// What may be tuned, as data: for each parameter the values that it may take. Knows neither how they are drawn nor where in
// a definition they go.

import * as v from "valibot";

import { fields } from "../validate.js";

const number = v.pipe(v.number("this must be a number"), v.finite("this must be finite"));
const whole = v.pipe(number, v.safeInteger("this must be a whole number"));
const positive = v.pipe(number, v.gtValue(0, "this must be above 0: the scale is logarithmic"));

function range<Schema extends v.GenericSchema<number>>(bound: Schema) {
  return v.pipe(
    v.strictTuple([bound, bound], "this must be the smallest and the largest value: [from, to]"),
    v.check(([from, to]) => (from as number) <= (to as number), "the first must not be above the second: [from, to]"),
  );
}

const json: v.GenericSchema<JsonValue> = v.lazy(() =>
  v.union([v.string(), number, v.boolean(), v.null(), v.array(json), v.record(v.string(), json)], "this must be JSON"),
);

/** What a choice may be of: a name, a number, or a part of a definition. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

const IntegerSchema = v.pipe(
  fields({ integer: range(whole), scale: v.optional(v.picklist(["linear", "log"], 'the scale is "linear" or "log"')) }),
  v.check(({ integer, scale }) => scale !== "log" || integer[0] > 0, "on a logarithmic scale the smallest value must be above 0"),
);
const UniformSchema = fields({ uniform: range(number) });
const LogUniformSchema = fields({ logUniform: range(positive) });
const ChoiceSchema = fields({ choice: v.pipe(v.array(json, "this must be a list"), v.minLength(1, "give at least one value to choose")) });

/** The values of one parameter. */
export const DimensionSchema = v.union(
  [IntegerSchema, UniformSchema, LogUniformSchema, ChoiceSchema],
  "give one of { integer: [from, to] }, { uniform: [from, to] }, { logUniform: [from, to] } and { choice: [...] }",
);

/** All parameters by their names. */
export const SpaceSchema = v.pipe(
  v.record(v.string(), DimensionSchema, "this must be an object: a parameter's name and its values each"),
  v.check((space) => Object.keys(space).length > 0, "give at least one parameter to tune"),
);

/**
 * The values that a parameter may take:
 *
 * - `{ integer: [from, to] }`: whole numbers, both ends among them, each as likely as the others; with `scale: "log"` small ones
 *   are likelier, so that 16 to 32 is drawn about as often as 32 to 64;
 * - `{ uniform: [from, to] }`: numbers, all as likely;
 * - `{ logUniform: [from, to] }`: numbers above 0 whose logarithm is as likely to be anywhere;
 * - `{ choice: [...] }`: any of a list of JSON values.
 */
export type Dimension = Unwritten<v.InferInput<typeof DimensionSchema>>;

/** A variant whose lists may be constants. */
type Unwritten<T> = T extends unknown ? { readonly [Key in keyof T]: Readonly<T[Key]> } : never;

/**
 * What may be tuned: the values of each parameter by its name, which says where it goes:
 *
 * - `layers`: how many layers; above those that the definition has, the last of them is repeated;
 * - a layer's field (`cell`, `units`, `bidirectional`, …): in every layer;
 * - `dropout`: what every layer but the first drops of its input, and the output of its own: whatever a layer gives;
 * - `learningRate`: the optimiser's;
 * - `definition.` and `options.` with a path, such as `definition.layers.0.units` or `options.optimizer.weightDecay`: there;
 * - any other name, such as `batchSize`: an option of training.
 */
export type Space = Readonly<Record<string, Dimension>>;

/** A value of each parameter. */
export type Parameters = Readonly<Record<string, JsonValue>>;
