// The public names of `gatewise/baselines`, nothing else.

// The declarations use `Symbol.dispose`, which a user's own `lib` need not have.
/// <reference lib="esnext.disposable" preserve="true" />

export { autoArima, sarima } from "./arima.js";
export { majority } from "./classifier.js";
export { compare } from "./compare/compare.js";
export { ClassifierEntrantSchema, ForecasterEntrantSchema } from "./compare/entrants.js";
export { classificationRecipe, forecastingRecipe } from "./compare/recipes.js";
export { onLogarithm } from "./forecaster.js";
export { logisticRegression } from "./logistic.js";
export { drift, historicalMean, naive, seasonalNaive } from "./naive.js";
export { nearestNeighbour } from "./nearest-neighbour.js";
export { networkClassifier, networkForecaster } from "./networks.js";
export { toHtml } from "./report/html.js";
export { toTable } from "./report/table.js";
export { GatewiseError } from "../errors.js";

export type { ArimaSettings, AutoArimaOptions, Order, SarimaOptions } from "./arima.js";
export type { ClassGuess, Classifier, EpochLosses, WorkOptions } from "./classifier.js";
export type { ClassificationOptions, ClassifiedPart } from "./compare/classification.js";
export type { CompareOptions } from "./compare/compare.js";
export type { ClassifierEntrant, CustomEntrant, ForecasterEntrant } from "./compare/entrants.js";
export type { ForecastingOptions } from "./compare/forecasting.js";
export type { CellName, Recipe } from "./compare/recipes.js";
export type { RunOptions } from "./compare/runs.js";
export type {
  ClassificationComparison,
  ClassificationFigures,
  ClassificationRun,
  Comparison,
  ComparisonProgress,
  EntrantResult,
  ForecastComparison,
  ForecastFigures,
  ForecastRun,
  OriginForecast,
  PairedTest,
  PartSize,
  Run,
  Seconds,
  Spread,
} from "./compare/types.js";
export type { MachineOptions } from "../backend/open.js";
export type { ErrorCode } from "../errors.js";
export type { Forecast, Forecaster, ForecasterOptions } from "./forecaster.js";
export type { LogisticOptions } from "./logistic.js";
export type { NeighbourOptions } from "./nearest-neighbour.js";
export type { Layers, NetworkClassifierOptions, NetworkForecasterOptions, TrainingRecipe } from "./networks.js";
export type { LabelledSeries, Series, UnlabelledSeries } from "./series.js";
