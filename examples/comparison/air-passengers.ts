// Air passengers, 1949 to 1960: recurrent networks beside ARIMA and the simple forecasts.
//   npx tsx examples/comparison/air-passengers.ts

import { compare, toTable } from "gatewise/baselines";

import { readPassengers, report, runProgram, running } from "./program.js";

const { times, series } = readPassengers();
const task = { task: "forecasting", season: 12, horizon: 12, transform: "log" } as const;

/** The textbook's task: the last twelve months, once. */
async function lastYear(seeds: readonly number[], output: string): Promise<void> {
  const comparison = await compare({
    ...task,
    ...running(seeds),
    title: "Air passengers: the last twelve months",
    series,
    times,
    entrants: ["sarima", "auto-arima", "arima", "lstm", "gru", "rnn", "seasonal-naive", "naive", "drift", "mean"],
  });
  await report(comparison, "air-passengers", output);
}

/** Twelve months ahead from each of 16 origins, a quarter of a year apart: enough for a test. */
async function rollingOrigins(seeds: readonly number[], output: string): Promise<void> {
  const comparison = await compare({
    ...task,
    ...running(seeds),
    title: "Air passengers: twelve months ahead from 16 origins",
    series,
    times,
    origins: 16,
    stride: 3,
    entrants: ["sarima", "auto-arima", "lstm", "gru", "rnn", "seasonal-naive"],
  });
  await report(comparison, "air-passengers-origins", output);
}

/** How the recipe of forecasting networks was chosen: on the training part alone, whose last four years are forecast in turn. */
async function chooseRecipe(seeds: readonly number[]): Promise<void> {
  const sizes = [8, 16, 32, 64].map((units) => ({ kind: "lstm", name: `${units} units`, units }) as const);
  const lengths = [30, 120].map((epochs) => ({ kind: "lstm", name: `${epochs} epochs`, training: { epochs } }) as const);
  const rates = [5e-4, 5e-3].map((learningRate) => {
    return { kind: "lstm", name: `rate ${learningRate}`, training: { optimizer: { kind: "adam", learningRate } } } as const;
  });
  const windows = [12, 36].map((window) => ({ kind: "lstm", name: `window ${window}`, window }) as const);
  const comparison = await compare({
    ...task,
    ...running(seeds),
    title: "Recipes for an LSTM, on the training part alone",
    series: series.slice(0, -12),
    origins: 4,
    reference: "16 units",
    entrants: [...sizes, ...lengths, ...rates, ...windows, "sarima", "seasonal-naive"],
  });
  console.log(toTable(comparison));
}

await runProgram(
  "Compares forecasts of the monthly air passengers.",
  { choose: "how the networks' recipe was chosen, instead", origins: "from many origins, instead" },
  async ({ seeds, output, flags }) => {
    if (flags.has("choose")) await chooseRecipe(seeds);
    else if (flags.has("origins")) await rollingOrigins(seeds, output);
    else await lastYear(seeds, output);
  },
);
