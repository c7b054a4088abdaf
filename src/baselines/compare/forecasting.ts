// Compares ways of forecasting one series, from one origin or from several. Knows nothing of what the entrants are.

import type { MachineOptions } from "../../backend/open.js";
import { GatewiseError } from "../../errors.js";
import type { Numbers } from "../../metrics/check.js";
import { dieboldMariano } from "../../metrics/index.js";
import { type Forecast, type Forecaster, checkSeries, checkSteps } from "../forecaster.js";
import { type Entrant, type ForecasterEntrant, forecasterEntrants } from "./entrants.js";
import { forecastFigures } from "./figures.js";
import { type RunContext, type RunOptions, checkReference, checkSeeds, runAll, timed } from "./runs.js";
import { testAll } from "./tests.js";
import type { ForecastComparison, ForecastRun, OriginForecast } from "./types.js";

/** Who is to be compared on what. */
export interface ForecastingOptions extends RunOptions {
  readonly task: "forecasting";
  /** [steps] at equal distances, the oldest first. */
  readonly series: Numbers;
  /** [steps] milliseconds since 1970, for the pictures. */
  readonly times?: Numbers | undefined;
  /** How many steps ahead: those that are held out. */
  readonly horizon: number;
  /** Steps of a season, 12 for months. 1, no season, unless given. */
  readonly season?: number | undefined;
  /** What all entrants see of the series: itself, or its natural logarithm, from which their forecasts are taken back. `"none"` unless given. */
  readonly transform?: "none" | "log" | undefined;
  /**
   * From how many points in time is forecast, the last of them `horizon` steps before the end; everything is fitted anew at each
   * (rolling origins). 1 unless given. Tests take more.
   */
  readonly origins?: number | undefined;
  /** Steps between two origins. The horizon unless given, so that no step is forecast twice. */
  readonly stride?: number | undefined;
  /** Names, names with options, or anything with `fit` and `predict`. */
  readonly entrants: readonly ForecasterEntrant[];
  /** What networks run on. */
  readonly machine?: MachineOptions | undefined;
}

interface Task {
  readonly series: Float64Array;
  readonly horizon: number;
  readonly season: number;
  readonly origins: readonly number[];
  /** Origins whose forecasts of the same steps hang together. */
  readonly overlap: number;
}

/** See `compare`. */
export async function compareForecasters(options: ForecastingOptions): Promise<ForecastComparison> {
  const seeds = checkSeeds(options.seeds);
  const task = taskOf(options);
  const { horizon, season } = task;
  const transform = options.transform ?? "none";
  if (transform !== "none" && transform !== "log") {
    throw new GatewiseError("invalid_option", "transform", `transform is "${String(transform)}": give "none" or "log"`);
  }
  const entrants = forecasterEntrants(options.entrants, { season, horizon, transform, machine: options.machine });
  const reference = checkReference(options.reference, entrants);
  const results = await runAll(entrants, seeds, options, (entrant, context) => runOnce(entrant, task, context));
  const { tests, notes } = testsOf(results, reference, task);
  return {
    task: "forecasting",
    title: options.title ?? "Comparison",
    series: [...task.series],
    times: options.times ? Array.from(options.times) : null,
    horizon,
    season,
    transform,
    origins: task.origins,
    seeds,
    reference,
    entrants: results,
    tests,
    notes,
  };
}

function taskOf(options: ForecastingOptions): Task {
  const horizon = checkSteps(options.horizon, "horizon");
  const season = checkSteps(options.season ?? 1, "season");
  const count = checkSteps(options.origins ?? 1, "origins");
  const stride = checkSteps(options.stride ?? horizon, "stride");
  const series = checkSeries(options.series, 1);
  if (options.times && options.times.length !== series.length) {
    const message = `there are ${options.times.length} times for ${series.length} steps: give one for each`;
    throw new GatewiseError("shape_mismatch", "times", message);
  }
  const last = series.length - horizon;
  const origins = Array.from({ length: count }, (_, k) => last - (count - 1 - k) * stride);
  const [first = 0] = origins;
  if (first <= season) {
    const plan = `${count} origins ${stride} apart and ${horizon} steps ahead`;
    const message = `the series has ${series.length} steps: with ${plan}, ${Math.max(0, first)} are left to learn from`;
    throw new GatewiseError("empty_data", "series", message);
  }
  return { series, horizon, season, origins, overlap: Math.ceil(horizon / stride) };
}

async function runOnce(entrant: Entrant<Forecaster>, { series, horizon, season, origins }: Task, { seed, signal, tell }: RunContext) {
  let done = 0;
  const forecaster = entrant.create(seed ?? 0, (fraction) => tell("fit", (done + fraction) / origins.length));
  const seconds = { fit: 0, predict: 0 };
  const forecasts: OriginForecast[] = [];
  try {
    for (const origin of origins) {
      signal?.throwIfAborted();
      const fit = await timed(() => forecaster.fit(series.slice(0, origin), { horizon, signal }));
      const predict = await timed(() => forecaster.predict(horizon));
      seconds.fit += fit.seconds;
      seconds.predict += predict.seconds;
      forecasts.push({ origin, ...checkForecast(predict.result, horizon, entrant.name) });
      done += 1;
      tell(done === origins.length ? "predict" : "fit", done / origins.length);
    }
    const run: ForecastRun = { seed, figures: forecastFigures(series, forecasts, season), seconds, epochs: forecaster.epochs ?? [], forecasts };
    return { run, kind: { settings: forecaster.settings ?? null, parameters: forecaster.parameters } };
  } finally {
    forecaster.dispose?.();
  }
}

function testsOf(results: ForecastComparison["entrants"], reference: string, task: Task): Pick<ForecastComparison, "tests" | "notes"> {
  const { series, origins, overlap } = task;
  if (origins.length <= Math.max(2, overlap)) {
    const needed = Math.max(2, overlap) + 1;
    const message = `There is no test: errors of one path hang together, and Diebold and Mariano's test takes ${needed} origins here at least.`;
    return { tests: [], notes: [message] };
  }
  const losses = (run: ForecastRun) => run.forecasts.map(({ origin, values }) => meanSquare(values, series.subarray(origin, origin + values.length)));
  const tests = testAll("diebold-mariano", results, reference, (a, b) => {
    const { difference, pValue } = dieboldMariano(losses(a), losses(b), { horizon: overlap });
    return { advantage: -difference, pValue };
  });
  return {
    tests,
    notes: [
      `Diebold and Mariano's test compares the mean squared error of each of the ${origins.length} origins' forecasts, with ` +
        `Harvey, Leybourne and Newbold's correction; errors of origins less than ${overlap} apart may hang together.`,
      "One test a seed; the seeds' p-values become one by Rüger's rule, and all are adjusted together by Holm's method.",
    ],
  };
}

function meanSquare(values: readonly number[], truth: Float64Array): number {
  return values.reduce((sum, value, n) => sum + (value - (truth[n] as number)) ** 2, 0) / values.length;
}

/** Entrants may be anybody's. */
function checkForecast({ values, lower, upper }: Forecast, horizon: number, name: string): Omit<OriginForecast, "origin"> {
  for (const part of [values, lower ?? values, upper ?? values]) {
    if (part.length === horizon && part.every(Number.isFinite)) continue;
    const message = `"${name}" did not forecast ${horizon} finite numbers: take other options for it, or leave it out`;
    throw new GatewiseError("not_finite", "entrants", message);
  }
  return { values: [...values], lower: lower && [...lower], upper: upper && [...upper] };
}
