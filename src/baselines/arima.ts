// ARIMA, SARIMA and auto-ARIMA by the package `arima`, a WebAssembly build of ctsa. Knows nothing of transformations.

import { GatewiseError } from "../errors.js";
import { normalInterval } from "../metrics/distributions.js";
import { type Arima, loadArima } from "./arima-package.js";
import { notFitted } from "./classifier.js";
import { type Forecaster, INTERVAL, checkSeries, checkSteps } from "./forecaster.js";

/** The orders of a model (Box and Jenkins): autoregressive terms, differences, moving-average terms. */
export type Order = readonly [p: number, d: number, q: number];

/** The orders of a seasonal ARIMA. */
export interface SarimaOptions {
  /** `[p, d, q]` */
  readonly order: Order;
  /** `[P, D, Q]` of whole seasons. None unless given. */
  readonly seasonal?: Order | undefined;
  /** Steps of a season. Needed with `seasonal`. */
  readonly season?: number | undefined;
}

/** How far the search for orders goes. */
export interface AutoArimaOptions {
  /** Steps of a season; without one, no seasonal terms are looked for. */
  readonly season?: number | undefined;
  /** The largest `[p, d, q]`. `[5, 2, 5]` unless given. */
  readonly largest?: Order | undefined;
  /** The largest `[P, D, Q]`. `[2, 1, 2]` unless given. */
  readonly largestSeasonal?: Order | undefined;
}

/** What was fitted, as far as the package says. */
export interface ArimaSettings {
  readonly order?: Order | undefined;
  readonly seasonal?: Order | undefined;
  readonly season: number;
  /** Of the differenced series. */
  readonly logLikelihood?: number | undefined;
}

type Model = InstanceType<Arima["Model"]>;

/**
 * A seasonal ARIMA, fitted by exact maximum likelihood. The package works on the calling thread: `fit` holds it up.
 *
 * @throws {GatewiseError} `invalid_option`; from `fit` also `missing_package`, `empty_data` where the series is too short,
 * `not_finite` where the fit fails
 *
 * @example
 * ```ts
 * const airline = onLogarithm(sarima({ order: [0, 1, 1], seasonal: [0, 1, 1], season: 12 }));
 * await airline.fit(passengers.slice(0, -12), { horizon: 12 });
 * const { values, lower, upper } = await airline.predict(12);
 * ```
 */
export function sarima({ order, seasonal = [0, 0, 0], season = 0 }: SarimaOptions): Forecaster {
  const [[p, d, q], [P, D, Q]] = [checkOrder(order, "order"), checkOrder(seasonal, "seasonal")];
  if (P + D + Q > 0) checkSteps(season, "season");
  return fittedBy({ p, d, q, P, D, Q, s: P + D + Q > 0 ? season : 0 });
}

/**
 * The seasonal ARIMA whose orders a stepwise search finds (Hyndman and Khandakar 2008), as the package has it. `fit` holds up the
 * calling thread, for up to some seconds. With fewer than ten seasons the package has been seen to leave out a difference that a
 * series needs: look at `settings`, and compare with a `sarima` of orders that you choose.
 *
 * @throws {GatewiseError} as {@link sarima}
 */
export function autoArima(options: AutoArimaOptions = {}): Forecaster {
  const [p, d, q] = checkOrder(options.largest ?? [5, 2, 5], "largest");
  const [P, D, Q] = checkOrder(options.largestSeasonal ?? [2, 1, 2], "largestSeasonal");
  const s = options.season === undefined || options.season === 1 ? 0 : checkSteps(options.season, "season");
  return fittedBy({ auto: true, p, d, q, P, D, Q, s });
}

type ModelOptions = NonNullable<ConstructorParameters<Arima["Model"]>[0]> & { readonly s: number };

function fittedBy(options: ModelOptions): Forecaster {
  let model: Model | undefined;
  let settings: ArimaSettings | undefined;
  return {
    get parameters() {
      const { order, seasonal } = settings ?? {};
      // The terms' coefficients and the variance.
      return order ? order[0] + order[2] + (seasonal?.[0] ?? 0) + (seasonal?.[2] ?? 0) + 1 : null;
    },
    get settings() {
      return settings;
    },
    async fit(series) {
      const { Model, listen, heard } = await loadArima();
      model?.destroy();
      model = undefined;
      const fresh = new Model({ ...options, verbose: heard });
      const { said } = listen(() => train(fresh, checkSeries(series, 1)));
      model = fresh;
      settings = settingsOf(options, said.join("\n"));
    },
    async predict(steps) {
      checkSteps(steps, "steps");
      if (!model) throw notFitted();
      const fitted = model;
      const { listen } = await loadArima();
      const [points, variances] = listen(() => fitted.predict(steps)).result;
      if (![...points, ...variances].every(Number.isFinite) || variances.some((variance) => variance < 0)) {
        throw new GatewiseError("not_finite", "", "the fit of this ARIMA did not come to an end: take other orders, or a transformation");
      }
      const values = Float64Array.from(points);
      const reach = normalInterval(INTERVAL);
      const band = (sign: number) => values.map((value, h) => value + sign * reach * Math.sqrt(variances[h] as number));
      return { values, lower: band(-1), upper: band(1) };
    },
    dispose() {
      model?.destroy();
      model = undefined;
    },
  };
}

function train(model: Model, series: Float64Array): void {
  try {
    model.train(Array.from(series));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GatewiseError(why.startsWith("Series too short") ? "empty_data" : "not_finite", "series", `ARIMA: ${why}`, { cause });
  }
}

/** From what the package prints: `ARIMA Seasonal Order : ( 0, 1, 1) * (2, 1, 1)`, `Log Likelihood : 223.766`. */
function settingsOf({ auto = false, p = 0, d = 0, q = 0, P = 0, D = 0, Q = 0, s }: ModelOptions, said: string): ArimaSettings {
  const likelihood = /Log Likelihood\s*:\s*([-\d.e+]+)/i.exec(said)?.[1];
  const logLikelihood = likelihood === undefined ? undefined : Number(likelihood);
  if (!auto) return { order: [p, d, q], seasonal: [P, D, Q], season: s, logLikelihood };
  const [first, second] = [...(/Order\s*:(.*)/.exec(said)?.[1] ?? "").matchAll(/\(\s*(\d+),\s*(\d+),\s*(\d+)\)/g)].map(
    ([, ...terms]) => terms.map(Number) as unknown as Order,
  );
  return { order: first, seasonal: first && (second ?? [0, 0, 0]), season: s, logLikelihood };
}

function checkOrder(order: Order, path: string): Order {
  if (Array.isArray(order) && order.length === 3 && order.every((term) => Number.isInteger(term) && term >= 0)) return order;
  throw new GatewiseError("invalid_option", path, `${path} must be three whole numbers from 0 on, such as [0, 1, 1]`);
}
