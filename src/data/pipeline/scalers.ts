// Scalers: what training data come to, and numbers there and back. Held to scikit-learn's. Knows nothing of tables.

import * as v from "valibot";

import { fields } from "../../validate.js";
import { SCALE_KINDS, type ScaleKind } from "./definition.js";

const Finite = v.pipe(v.number(), v.finite());

/** A fitted scaler, as it is saved: (v − centre) / size; or `"log"`, which has nothing to fit. */
export const ScalerSchema = v.union([
  fields({ kind: v.literal("log") }),
  fields({
    kind: v.picklist(SCALE_KINDS.filter((kind) => kind !== "log")),
    centre: Finite,
    size: v.pipe(Finite, v.check((size) => size > 0, "this must be above 0")),
  }),
]);

export type Scaler = v.InferOutput<typeof ScalerSchema>;

/** A scale, as it is in a definition, as a list. */
export function kindsOf(scale: ScaleKind | readonly ScaleKind[] | undefined): readonly ScaleKind[] {
  return scale === undefined ? [] : typeof scale === "string" ? [scale] : scale;
}

/** Scalers of these kinds, each fitted on what the one before gives. `values` has none missing, and is written over. */
export function fitScalers(kinds: readonly ScaleKind[], values: Float64Array): Scaler[] {
  return kinds.map((kind, i) => {
    const scaler = fitScaler(kind, values);
    if (i + 1 < kinds.length) scaleAll(values, [scaler]);
    return scaler;
  });
}

function fitScaler(kind: ScaleKind, values: Float64Array): Scaler {
  switch (kind) {
    case "log":
      return { kind };
    case "standard":
      return { kind, ...meanAndDeviation(values) };
    case "min-max": {
      let [least, most] = [Infinity, -Infinity];
      for (let i = 0; i < values.length; i++) {
        least = Math.min(least, values[i] as number);
        most = Math.max(most, values[i] as number);
      }
      return values.length === 0 ? { kind, centre: 0, size: 1 } : { kind, centre: least, size: most - least || 1 };
    }
    case "robust": {
      const order = values.toSorted();
      const range = quantile(order, 0.75) - quantile(order, 0.25);
      return { kind, centre: quantile(order, 0.5), size: range || 1 };
    }
  }
}

/** As scikit-learn: of the whole population, and a column that is constant but for rounding has the size 1. */
function meanAndDeviation(values: Float64Array): { centre: number; size: number } {
  const n = values.length;
  if (n === 0) return { centre: 0, size: 1 };
  let sum = 0;
  for (let i = 0; i < n; i++) sum += values[i] as number;
  const rough = sum / n;
  // What the deviations from it sum up to is the rounding of the mean (Chan, Golub and LeVeque, 1983).
  let [rest, squares] = [0, 0];
  for (let i = 0; i < n; i++) {
    const deviation = (values[i] as number) - rough;
    rest += deviation;
    squares += deviation * deviation;
  }
  const mean = rough + rest / n;
  const variance = (squares - rest ** 2 / n) / n;
  const rounding = n * Number.EPSILON * variance + (n * mean * Number.EPSILON) ** 2;
  return { centre: mean, size: variance <= rounding ? 1 : Math.sqrt(variance) };
}

/** With linear interpolation between the values around, as NumPy has it; 0 of none. */
function quantile(order: Float64Array, part: number): number {
  const place = part * (order.length - 1);
  const below = order[Math.floor(place)] ?? 0;
  const above = order[Math.ceil(place)] ?? below;
  return below + (place - Math.floor(place)) * (above - below);
}

/** One number, scaled. */
export function scaled(value: number, scaler: Scaler): number {
  if (scaler.kind !== "log") return (value - scaler.centre) / scaler.size;
  return value < 0 ? -Math.log1p(-value) : Math.log1p(value);
}

/** The number that scales to this. */
export function unscaled(value: number, scaler: Scaler): number {
  if (scaler.kind !== "log") return value * scaler.size + scaler.centre;
  return value < 0 ? -Math.expm1(-value) : Math.expm1(value);
}

/** Scales every number in its place. */
export function scaleAll(values: Float64Array, scalers: readonly Scaler[]): Float64Array {
  for (const scaler of scalers) {
    if (scaler.kind === "log") for (let i = 0; i < values.length; i++) values[i] = scaled(values[i] as number, scaler);
    else for (let i = 0; i < values.length; i++) values[i] = ((values[i] as number) - scaler.centre) / scaler.size;
  }
  return values;
}
