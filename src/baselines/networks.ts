// Recurrent networks as entrants: those of this library, through `createModel`, with the interface of every baseline. Knows nothing
// of the recipes that are proposed for them (recipes.ts).

import type { MachineOptions } from "../backend/open.js";
import { GatewiseError } from "../errors.js";
import { createModel } from "../model/create.js";
import type { ModelDefinition } from "../model/definition.js";
import type { Model } from "../model/model.js";
import type { EpochReport, FitOptions } from "../training/types.js";
import type { Classifier, EpochLosses } from "./classifier.js";
import { notFitted } from "./classifier.js";
import { type Forecaster, INTERVAL, checkSeries, checkSteps } from "./forecaster.js";
import type { LabelledSeries, UnlabelledSeries } from "./series.js";

/** The layers of a definition. */
export type Layers = ModelDefinition["layers"];

/** The options of `fit` that are data. */
export type TrainingRecipe = Omit<FitOptions<string>, "validation" | "onProgress" | "onEpoch" | "signal" | "loss">;

/** Whom training tells how far it is. */
export type OnFraction = (fraction: number) => void;

/** What every network is made of. */
interface NetworkOptions {
  /** The recurrent layers, the one nearest to the input first. */
  readonly layers: Layers;
  /** The options of `fit`. */
  readonly training?: TrainingRecipe | undefined;
  /** Every random number comes from it. 0 unless given. */
  readonly seed?: number | undefined;
  /** What it runs on. */
  readonly machine?: MachineOptions | undefined;
  /** Called some times a second with the part of the training that is done. */
  readonly onFraction?: OnFraction | undefined;
}

/** What a classifying network is made of. */
export interface NetworkClassifierOptions extends NetworkOptions {
  /** The classes' names, at least two. */
  readonly classes: readonly string[];
  /** Data that is not trained on; its loss is told for each epoch. */
  readonly validation?: LabelledSeries | undefined;
}

/**
 * A network that classifies sequences: inputs standardised on the training part, the final hidden states into one linear layer.
 *
 * @example
 * ```ts
 * const lstm = networkClassifier({ classes, layers: [{ cell: "lstm", units: 64 }], training: { epochs: 60 }, seed: 1 });
 * await lstm.fit(train);
 * const guesses = await lstm.predict(test);
 * ```
 */
export function networkClassifier(options: NetworkClassifierOptions): Classifier {
  const { classes, layers, seed = 0, training = {}, validation } = options;
  const held = new Held<string>();
  return {
    get parameters() {
      return held.parameters;
    },
    get epochs() {
      return held.epochs;
    },
    settings: { layers, training },
    async fit(train, { signal } = {}) {
      held.dispose();
      const statics = train.statics && train.shape[0] > 0 ? { statics: train.statics.length / train.shape[0] } : {};
      const input = { features: train.shape[2], ...statics, scaling: "standard" } as const;
      held.model = await createModel<{ classes: readonly string[] }>({ input, layers, output: { classes }, seed }, options.machine);
      const given = validation ? { validation } : {};
      await held.train(held.model.fit(train, { ...training, ...given, signal, ...telling(options.onFraction) }), signal);
    },
    async predict(test) {
      if (!held.model) throw notFitted();
      return held.model.predict(withoutTargets(test));
    },
    dispose() {
      held.dispose();
    },
  };
}

/** What a forecasting network is made of. */
export interface NetworkForecasterOptions extends NetworkOptions {
  /** Steps of a season: what is learned is how much each step differs from that of a season ago. 1 unless given. */
  readonly season?: number | undefined;
  /** Steps that are read before each forecast. */
  readonly window: number;
}

/**
 * A network that forecasts a series. It sees the differences to a season ago, standardised, in windows of `window` steps, and
 * gives the `horizon` differences after each window at once: their quantiles 0.1, 0.5 and 0.9, trained by the pinball loss. Added
 * to the season before, the median is the forecast and the others its interval.
 *
 * @throws {GatewiseError} `invalid_option`; from `fit` also `empty_data` where the series has no window
 *
 * @example
 * ```ts
 * const lstm = onLogarithm(networkForecaster({ layers: [{ cell: "lstm", units: 32 }], season: 12, window: 24 }));
 * await lstm.fit(passengers, { horizon: 12 });
 * const { values, lower, upper } = await lstm.predict(12);
 * ```
 */
export function networkForecaster(options: NetworkForecasterOptions): Forecaster {
  const { layers, season = 1, window, seed = 0, training = {} } = options;
  checkSteps(season, "season");
  checkSteps(window, "window");
  const held = new Held<Quantiles>();
  let learned: Learned | undefined;
  return {
    get parameters() {
      return held.parameters;
    },
    get epochs() {
      return held.epochs;
    },
    settings: { layers, training, season, window },
    async fit(given, { horizon, signal }) {
      held.dispose();
      const series = checkSeries(given, season + window + checkSteps(horizon, "horizon"));
      const { windows, ...scaling } = windowsOf(series, { season, window, horizon });
      const output: Quantiles = { values: 1, steps: horizon, quantiles: [0.5 - INTERVAL / 2, 0.5, 0.5 + INTERVAL / 2] };
      held.model = await createModel<Quantiles>({ input: { features: 1 }, layers, output, seed }, options.machine);
      await held.train(held.model.fit(windows, { ...(training as FitOptions<Quantiles>), signal, ...telling(options.onFraction) }), signal);
      learned = { series, horizon, ...scaling };
    },
    async predict(steps) {
      checkSteps(steps, "steps");
      if (!held.model || !learned) throw notFitted();
      if (steps > learned.horizon) {
        throw new GatewiseError("invalid_option", "steps", `steps is ${steps}: this network was trained for ${learned.horizon}`);
      }
      const [prediction] = await held.model.predict({ x: learned.last, shape: [1, window, 1] });
      return integrated(prediction?.values ?? new Float32Array(0), learned, season, steps);
    },
    dispose() {
      held.dispose();
    },
  };
}

interface Quantiles {
  readonly values: 1;
  readonly steps: number;
  readonly quantiles: readonly number[];
}

/** What a forecast is put together from. */
interface Learned {
  readonly series: Float64Array;
  readonly horizon: number;
  /** Of the differences within the series. */
  readonly mean: number;
  readonly deviation: number;
  /** [window] the last ones, standardised. */
  readonly last: Float32Array;
}

/** Every window of the standardised differences, and what follows it. */
function windowsOf(series: Float64Array, { season, window, horizon }: { season: number; window: number; horizon: number }) {
  const differences = series.slice(season).map((value, t) => value - (series[t] as number));
  const mean = differences.reduce((sum, d) => sum + d, 0) / differences.length;
  const variance = differences.reduce((sum, d) => sum + (d - mean) ** 2, 0) / differences.length;
  // A series that repeats its season, or grows by the same each time, leaves nothing to learn but zeros.
  const deviation = Math.sqrt(variance) || 1;
  const scaled = Float32Array.from(differences, (d) => (d - mean) / deviation);
  const n = scaled.length - window - horizon + 1;
  const x = new Float32Array(n * window);
  const targets = new Float32Array(n * horizon);
  for (let i = 0; i < n; i++) {
    x.set(scaled.subarray(i, i + window), i * window);
    targets.set(scaled.subarray(i + window, i + window + horizon), i * horizon);
  }
  return { windows: { x, shape: [n, window, 1] as const, targets }, mean, deviation, last: scaled.slice(-window) };
}

/** From quantiles [horizon, 1, 3] of standardised differences to those of the series: beyond a season, on the medians before. */
function integrated(quantiles: Float32Array, { series, mean, deviation }: Learned, season: number, steps: number) {
  const path = [...series];
  const parts = ["lower", "values", "upper"].map(() => new Float64Array(steps));
  for (let h = 0; h < steps; h++) {
    const before = path[path.length - season] as number;
    // Quantiles are learned apart from each other and may cross.
    const sorted = quantiles.slice(h * 3, h * 3 + 3).sort();
    parts.forEach((part, q) => (part[h] = before + mean + deviation * (sorted[q] as number)));
    path.push(parts[1]?.[h] as number);
  }
  const [lower, values, upper] = parts as [Float64Array, Float64Array, Float64Array];
  return { lower, values, upper };
}

/** What an epoch's report says of its losses, whatever the output. */
type Losses = Pick<EpochReport, "loss"> & { readonly validation: { readonly loss: number } | null };

/** A model and what its training told; one at a time. */
class Held<Out extends string | Quantiles> {
  model: Model<Out> | undefined;
  epochs: EpochLosses[] = [];

  /** Numbers that were trained. */
  get parameters(): number | null {
    if (!this.model) return null;
    const names = Object.entries(this.model.parameters()).filter(([name]) => !/^(input|statics)\.(mean|deviation)$/.test(name));
    return names.reduce((sum, [, { data }]) => sum + data.length, 0);
  }

  async train(history: Promise<{ readonly epochs: readonly Losses[] }>, signal?: AbortSignal): Promise<void> {
    const { epochs } = await history;
    this.epochs = epochs.map(({ loss, validation }) => ({ loss, validation: validation?.loss ?? null }));
    signal?.throwIfAborted();
  }

  dispose(): void {
    this.model?.dispose();
    this.model = undefined;
    this.epochs = [];
  }
}

function telling(onFraction: OnFraction | undefined) {
  if (!onFraction) return {};
  return { onProgress: ({ step, totalSteps }: { step: number; totalSteps: number }) => onFraction(step / totalSteps) };
}

/** Sequences as `predict` takes them, which refuses what it does not know. */
function withoutTargets({ x, shape, lengths, statics }: UnlabelledSeries) {
  return { x, shape, ...(lengths ? { lengths } : {}), ...(statics ? { statics } : {}) };
}
