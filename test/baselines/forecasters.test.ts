// The baselines for forecasts: the textbook's formulas, statsmodels' SARIMA, and what the package `arima` must not do.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { type Forecaster, autoArima, drift, historicalMean, naive, networkForecaster, onLogarithm, sarima, seasonalNaive } from "gatewise/baselines";
import { meanAbsolutePercentageError, rootMeanSquaredError } from "gatewise/metrics";
import { describe, expect, test } from "vitest";

import { passengers, refused } from "./support.js";

const reference = JSON.parse(readFileSync(new URL("../vectors/forecasts/sarima.json", import.meta.url), "utf8")) as {
  logLikelihood: number;
  forecast: number[];
  interval80: [number, number][];
  mape: number;
  rmse: number;
};

async function forecastOf(forecaster: Forecaster, series: Float64Array, steps: number) {
  await forecaster.fit(series, { horizon: steps });
  return forecaster.predict(steps);
}

/** The quantile 0.9 of the standard normal. */
const Z = 1.2815515655446004;

function expectBand(band: Float64Array | null, values: Float64Array, deviations: readonly number[]): void {
  deviations.forEach((deviation, h) => expect(band?.[h]).toBeCloseTo((values[h] ?? NaN) + Z * deviation, 10));
}

describe("simple forecasts and their intervals (Forecasting: Principles and Practice, section 5.5)", () => {
  const series = Float64Array.of(3, 5, 4, 8, 6, 9);

  test("naive: residuals 2, −1, 4, −2, 3", async () => {
    const { values, upper, lower } = await forecastOf(naive(), series, 3);
    expect([...values]).toEqual([9, 9, 9]);
    const sigma = Math.sqrt(34 / 5);
    expectBand(upper, values, [sigma, sigma * Math.SQRT2, sigma * Math.sqrt(3)]);
    expectBand(lower, values, [-sigma, -sigma * Math.SQRT2, -sigma * Math.sqrt(3)]);
  });

  test("seasonal naive, beyond a season: residuals 1, 3, 2, 1", async () => {
    const { values, upper } = await forecastOf(seasonalNaive({ season: 2 }), series, 5);
    expect([...values]).toEqual([6, 9, 6, 9, 6]);
    const sigma = Math.sqrt(15 / 4);
    expectBand(upper, values, [1, 1, 2, 2, 3].map((k) => sigma * Math.sqrt(k)));
  });

  test("drift: the line from 3 to 9", async () => {
    const { values, upper } = await forecastOf(drift(), series, 2);
    [10.2, 11.4].forEach((value, h) => expect(values[h]).toBeCloseTo(value, 12));
    const sigma = Math.sqrt([2, -1, 4, -2, 3].reduce((sum, step) => sum + (step - 1.2) ** 2, 0) / 4);
    expectBand(upper, values, [1, 2].map((h) => sigma * Math.sqrt(h * (1 + h / 5))));
  });

  test("mean", async () => {
    const { values, upper } = await forecastOf(historicalMean(), series, 1);
    expect(values[0]).toBeCloseTo(35 / 6, 12);
    const sigma = Math.sqrt(series.reduce((sum, value) => sum + (value - 35 / 6) ** 2, 0) / 5);
    expectBand(upper, values, [sigma * Math.sqrt(1 + 1 / 6)]);
  });

  test("on the logarithm, the seasonal naive forecast is the same and its interval is that of factors", async () => {
    const [plain, logarithm] = [await forecastOf(naive(), series, 2), await forecastOf(onLogarithm(naive()), series, 2)];
    logarithm.values.forEach((value, h) => expect(value).toBeCloseTo(plain.values[h] ?? NaN, 12));
    expect((logarithm.upper?.[0] ?? 0) / 9).toBeCloseTo(9 / (logarithm.lower?.[0] ?? 0), 12);
  });
});

describe("SARIMA(0,1,1)(0,1,1)12 on the logarithm of the air passengers, the last 12 months held out", () => {
  const series = passengers();
  const [training, truth] = [series.slice(0, -12), series.slice(-12)];

  test("MAPE 2.904 %, RMSE 18.59, log-likelihood 223.63, and statsmodels' forecasts and intervals", async () => {
    const model = onLogarithm(sarima({ order: [0, 1, 1], seasonal: [0, 1, 1], season: 12 }));
    const { values, lower, upper } = await forecastOf(model, training, 12);
    expect((100 * meanAbsolutePercentageError(truth, values)).toFixed(3)).toBe("2.904");
    expect(rootMeanSquaredError(truth, values).toFixed(2)).toBe("18.59");
    // Two optimisers stop within 1e-5 of each other's parameters.
    values.forEach((value, h) => expect(Math.abs(value / (reference.forecast[h] ?? NaN) - 1)).toBeLessThan(1e-5));
    lower?.forEach((value, h) => expect(Math.abs(value / (reference.interval80[h]?.[0] ?? NaN) - 1)).toBeLessThan(1e-4));
    upper?.forEach((value, h) => expect(Math.abs(value / (reference.interval80[h]?.[1] ?? NaN) - 1)).toBeLessThan(1e-4));
    const { logLikelihood } = model.settings as { logLikelihood: number };
    // The package prints six digits.
    expect(logLikelihood).toBeCloseTo(reference.logLikelihood, 2);
    expect(logLikelihood.toFixed(2)).toBe("223.63");
    expect(model.parameters).toBe(3);
    model.dispose?.();
  });

  test("the seasonal naive forecast has 9.99 % and 50.7", async () => {
    const { values } = await forecastOf(seasonalNaive({ season: 12 }), training, 12);
    expect((100 * meanAbsolutePercentageError(truth, values)).toFixed(2)).toBe("9.99");
    expect(rootMeanSquaredError(truth, values).toFixed(1)).toBe("50.7");
  });

  test("auto-ARIMA says which orders it took, and does better than the seasonal naive forecast", async () => {
    const model = onLogarithm(autoArima({ season: 12 }));
    const { values } = await forecastOf(model, training, 12);
    expect(model.settings).toMatchObject({ order: [0, 1, 1], season: 12 });
    expect(meanAbsolutePercentageError(truth, values)).toBeLessThan(0.05);
  });

  test("an LSTM forecasts it better than the seasonal naive forecast, the same for the same seed", async () => {
    const make = () => {
      const training = { epochs: 60, batchSize: 16, clipNorm: 1, optimizer: { kind: "adam", learningRate: 2e-3 } } as const;
      return onLogarithm(networkForecaster({ layers: [{ cell: "lstm", units: 16 }], training, season: 12, window: 24, seed: 1 }));
    };
    const [first, second] = [await forecastOf(make(), training, 12), await forecastOf(make(), training, 12)];
    expect(second).toEqual(first);
    expect(meanAbsolutePercentageError(truth, first.values)).toBeLessThan(0.0999);
    first.values.forEach((value, h) => {
      expect(first.lower?.[h]).toBeLessThanOrEqual(value);
      expect(first.upper?.[h]).toBeGreaterThanOrEqual(value);
    });
  });
});

describe("a network", () => {
  test("goes on with what repeats, beyond a season too", async () => {
    const series = Float64Array.from({ length: 60 }, (_, t) => [10, 20, 30, 25][t % 4] as number);
    const network = networkForecaster({ layers: [{ cell: "gru", units: 4 }], training: { epochs: 100, optimizer: { kind: "adam", learningRate: 0.02 } }, season: 4, window: 8 });
    const { values } = await forecastOf(network, series, 10);
    // Differences are 0; what is learned of them is so within a hundredth of the series.
    values.forEach((value, h) => expect(Math.abs(value - (series[h % 4] as number))).toBeLessThan(0.3));
    network.dispose?.();
  });

  test("says where it cannot", async () => {
    const network = networkForecaster({ layers: [{ cell: "lstm", units: 2 }], training: { epochs: 1 }, season: 4, window: 8 });
    await refused("empty_data", "series", () => network.fit(new Float64Array(13), { horizon: 2 }));
    await refused("invalid_option", "", () => network.predict(1));
    await network.fit(Float64Array.from({ length: 20 }, (_, t) => Math.sin(t)), { horizon: 2 });
    await refused("invalid_option", "steps", () => network.predict(3));
    await refused("invalid_option", "window", () => networkForecaster({ layers: [], window: 0 }));
    network.dispose?.();
  });
});

describe("bad input", () => {
  test("series that are too short, not finite, or have no logarithm; orders that are none", async () => {
    await refused("empty_data", "series", () => naive().fit(Float64Array.of(1), { horizon: 1 }));
    await refused("not_finite", "series[1]", () => drift().fit(Float64Array.of(1, NaN, 3), { horizon: 1 }));
    await refused("invalid_option", "series[2]", () => onLogarithm(naive()).fit(Float64Array.of(1, 2, 0), { horizon: 1 }));
    await refused("invalid_option", "season", () => seasonalNaive({ season: 0 }));
    await refused("invalid_option", "order", () => sarima({ order: [1, -1, 0] }));
    await refused("invalid_option", "season", () => sarima({ order: [0, 1, 1], seasonal: [0, 1, 1] }));
    await refused("empty_data", "series", () => sarima({ order: [1, 1, 1] }).fit(Float64Array.of(1, 2, 3), { horizon: 1 }));
    await refused("invalid_option", "", () => sarima({ order: [1, 1, 1] }).predict(1));
  });
});

test("nothing that the package arima writes reaches the program's output, which goes on working", () => {
  const entry = fileURLToPath(new URL("../../dist/entry/baselines-node.js", import.meta.url));
  const program = `
    const { sarima } = await import(${JSON.stringify(entry)});
    const model = sarima({ order: [30, 0, 30] });
    const loading = model.fit(Float64Array.from({ length: 80 }, (_, i) => Math.sin(i) + Math.cos(i * i)), { horizon: 3 });
    console.log("while it loads");
    await loading;
    const outcome = await model.predict(3).then(() => "forecast", ({ code }) => code);
    console.log("afterwards", outcome);`;
  const { status, stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  expect({ status, stdout }).toEqual({ status: 0, stdout: "while it loads\nafterwards not_finite\n" });
});
