// Who is compared: from names and options, as a configuration file has them, to things that fit and predict. Knows nothing of how
// they do.

import * as v from "valibot";

import { GatewiseError } from "../../errors.js";
import type { MachineOptions } from "../../backend/open.js";
import { fields, validated } from "../../validate.js";
import { type Order, autoArima, sarima } from "../arima.js";
import { type Classifier, majority } from "../classifier.js";
import { type Forecaster, onLogarithm } from "../forecaster.js";
import { logisticRegression } from "../logistic.js";
import { drift, historicalMean, naive, seasonalNaive } from "../naive.js";
import { nearestNeighbour } from "../nearest-neighbour.js";
import { type Layers, type OnFraction, type TrainingRecipe, networkClassifier, networkForecaster } from "../networks.js";
import type { LabelledSeries } from "../series.js";
import { type CellName, classificationRecipe, forecastingRecipe } from "./recipes.js";

const name = v.optional(v.pipe(v.string(), v.nonEmpty()));
const whole = (least: number) => v.pipe(v.number(), v.integer(), v.minValue(least));
const order = v.tuple([whole(0), whole(0), whole(0)]);

/** What can be said of a network: the recipe stands for the rest. The core judges layers and training. */
const network = {
  name,
  /** Hidden units of the recipe's layer. */
  units: v.optional(whole(1)),
  /** Layers instead of the recipe's, as in a definition. */
  layers: v.optional(v.array(v.looseObject({})) as v.GenericSchema<unknown> as v.GenericSchema<Layers>),
  /** Options of `fit`; those that are not given are the recipe's. */
  training: v.optional(v.looseObject({}) as v.GenericSchema<unknown> as v.GenericSchema<TrainingRecipe>),
};
const cells = v.picklist(["lstm", "gru", "rnn", "network"]);

const ClassifierData = v.variant("kind", [
  fields({ kind: v.literal("majority"), name }),
  fields({ kind: v.literal("logistic"), name, c: v.optional(v.pipe(v.number(), v.gtValue(0))) }),
  fields({ kind: v.literal("1nn-euclidean"), name }),
  fields({ kind: v.literal("1nn-dtw"), name, window: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))) }),
  fields({ kind: cells, ...network }),
]);

const ForecasterData = v.variant("kind", [
  fields({ kind: v.picklist(["naive", "seasonal-naive", "drift", "mean"]), name }),
  fields({ kind: v.literal("arima"), name, order: v.optional(order) }),
  fields({ kind: v.literal("sarima"), name, order: v.optional(order), seasonal: v.optional(order) }),
  fields({ kind: v.literal("auto-arima"), name, largest: v.optional(order), largestSeasonal: v.optional(order) }),
  fields({ kind: cells, ...network, window: v.optional(whole(1)) }),
]);

/** Who can be compared in classifying, as data: a name, or a name with options. */
export const ClassifierEntrantSchema = v.union([
  v.picklist(["majority", "logistic", "1nn-euclidean", "1nn-dtw", "lstm", "gru", "rnn"]),
  ClassifierData,
]);

/** Who can be compared in forecasting, as data: a name, or a name with options. */
export const ForecasterEntrantSchema = v.union([
  v.picklist(["naive", "seasonal-naive", "drift", "mean", "arima", "sarima", "auto-arima", "lstm", "gru", "rnn"]),
  ForecasterData,
]);

/** Anything else that fits and predicts. */
export interface CustomEntrant<Kind> {
  readonly name: string;
  /** Made anew for each run. */
  readonly create: (seed: number) => Kind;
  /** Whether its predictions depend on the seed: else it runs once. False unless given. */
  readonly seeded?: boolean | undefined;
}

/** Who is compared in classifying: a name, a name with options, or anything with `fit` and `predict`. */
export type ClassifierEntrant = v.InferInput<typeof ClassifierEntrantSchema> | CustomEntrant<Classifier>;

/** Who is compared in forecasting. */
export type ForecasterEntrant = v.InferInput<typeof ForecasterEntrantSchema> | CustomEntrant<Forecaster>;

/** Somebody to be compared. */
export interface Entrant<Kind> {
  readonly name: string;
  readonly seeded: boolean;
  readonly create: (seed: number, onFraction: OnFraction) => Kind;
}

/** What classifiers need to know beforehand. */
export interface ClassifierContext {
  readonly classes: readonly string[];
  /** Samples of the training part. */
  readonly samples: number;
  readonly validation: LabelledSeries | undefined;
  readonly machine: MachineOptions | undefined;
}

/** What forecasters need to know beforehand. */
export interface ForecasterContext {
  readonly season: number;
  readonly horizon: number;
  readonly transform: "none" | "log";
  readonly machine: MachineOptions | undefined;
}

/** @throws {GatewiseError} `invalid_option` */
export function classifierEntrants(given: readonly ClassifierEntrant[], context: ClassifierContext): Entrant<Classifier>[] {
  return entrantsOf(given, ClassifierData, (data) => classifierOf(data, context));
}

/** @throws {GatewiseError} `invalid_option` */
export function forecasterEntrants(given: readonly ForecasterEntrant[], context: ForecasterContext): Entrant<Forecaster>[] {
  const entrants = entrantsOf(given, ForecasterData, (data) => forecasterOf(data, context));
  if (context.transform === "none") return entrants;
  return entrants.map(({ name, seeded, create }) => ({ name, seeded, create: (...how) => onLogarithm(create(...how)) }));
}

function entrantsOf<Kind, Schema extends v.GenericSchema>(
  given: readonly unknown[],
  schema: Schema,
  make: (data: v.InferOutput<Schema>) => Entrant<Kind>,
): Entrant<Kind>[] {
  if (!Array.isArray(given) || given.length === 0) {
    throw new GatewiseError("invalid_option", "entrants", "give a list of at least one entrant");
  }
  const entrants = given.map((entrant: unknown, index) => {
    if (isCustom<Kind>(entrant)) return { name: entrant.name, seeded: entrant.seeded ?? false, create: entrant.create };
    return make(validated(schema, typeof entrant === "string" ? { kind: entrant } : entrant, `entrants[${index}]`));
  });
  entrants.forEach(({ name }, index) => {
    if (entrants.findIndex((other) => other.name === name) === index) return;
    throw new GatewiseError("invalid_option", `entrants[${index}].name`, `two entrants are called "${name}": give one another name`);
  });
  return entrants;
}

function isCustom<Kind>(entrant: unknown): entrant is CustomEntrant<Kind> {
  return typeof entrant === "object" && entrant !== null && "create" in entrant && typeof entrant.create === "function";
}

function classifierOf(data: v.InferOutput<typeof ClassifierData>, context: ClassifierContext): Entrant<Classifier> {
  switch (data.kind) {
    case "majority":
      return fixed(data.name ?? "majority class", majority);
    case "logistic":
      return fixed(data.name ?? "logistic regression", () => logisticRegression({ c: data.c }));
    case "1nn-euclidean":
      return fixed(data.name ?? "1-NN Euclidean", () => nearestNeighbour({ distance: "euclidean" }));
    case "1nn-dtw":
      return fixed(data.name ?? "1-NN DTW", () => nearestNeighbour({ distance: "dtw", window: data.window }));
    default: {
      const { classes, samples, validation, machine } = context;
      const recipe = recipeOf(data, (cell) => classificationRecipe(cell, samples, data.units));
      const create = (seed: number, onFraction: OnFraction) =>
        networkClassifier({ ...recipe, classes, validation, machine, seed, onFraction });
      return { name: data.name ?? NETWORKS[data.kind], seeded: true, create };
    }
  }
}

function forecasterOf(data: v.InferOutput<typeof ForecasterData>, context: ForecasterContext): Entrant<Forecaster> {
  const { season, horizon, machine } = context;
  switch (data.kind) {
    case "naive":
      return fixed(data.name ?? "naive", naive);
    case "seasonal-naive":
      return fixed(data.name ?? "seasonal naive", () => seasonalNaive({ season }));
    case "drift":
      return fixed(data.name ?? "drift", drift);
    case "mean":
      return fixed(data.name ?? "mean", historicalMean);
    case "arima": {
      const order = data.order ?? [1, 1, 1];
      return fixed(data.name ?? `ARIMA(${order.join(",")})`, () => sarima({ order }));
    }
    case "sarima": {
      const [order, seasonal] = [data.order ?? AIRLINE, data.seasonal ?? AIRLINE];
      return fixed(data.name ?? `SARIMA(${order.join(",")})(${seasonal.join(",")})${season}`, () => sarima({ order, seasonal, season }));
    }
    case "auto-arima": {
      const { largest, largestSeasonal } = data;
      return fixed(data.name ?? "auto-ARIMA", () => autoArima({ season, largest, largestSeasonal }));
    }
    default: {
      const recipe = recipeOf(data, (cell) => forecastingRecipe(cell, season, horizon, data.units));
      const window = data.window ?? forecastingRecipe("lstm", season, horizon).window;
      const create = (seed: number, onFraction: OnFraction) => networkForecaster({ ...recipe, season, window, machine, seed, onFraction });
      return { name: data.name ?? NETWORKS[data.kind], seeded: true, create };
    }
  }
}

const NETWORKS = { lstm: "LSTM", gru: "GRU", rnn: "simple RNN", network: "network" } as const;

/** The airline model of Box and Jenkins. */
const AIRLINE: Order = [0, 1, 1];

/** What knows no chance. */
function fixed<Kind>(name: string, create: () => Kind): Entrant<Kind> {
  return { name, seeded: false, create };
}

interface NetworkData {
  readonly kind: CellName | "network";
  readonly layers?: Layers | undefined;
  readonly training?: TrainingRecipe | undefined;
}

function recipeOf(data: NetworkData, propose: (cell: CellName) => { readonly layers: Layers; readonly training: TrainingRecipe }) {
  if (data.kind === "network" && !data.layers) {
    throw new GatewiseError("invalid_option", "entrants", 'an entrant of the kind "network" must say its layers');
  }
  const recipe = propose(data.kind === "network" ? "lstm" : data.kind);
  return { layers: data.layers ?? recipe.layers, training: { ...recipe.training, ...data.training } };
}
