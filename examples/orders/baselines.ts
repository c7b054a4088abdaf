// What the LSTM has to beat: a logistic regression on recency, frequency and value, the three numbers with which shops have long
// sorted their customers. Knows nothing of the LSTM.

import { logisticRegression } from "gatewise/baselines";
import type { Table } from "gatewise/data";
import { ordersByCustomer } from "./invoices.js";
import { labelsOf, WEEK, type Samples } from "./sequences.js";

/** Weeks since the last order; ln(1 + orders); ln(1 + pounds): a sequence of one step for each sample. */
export function recencyFrequencyValue(invoices: Table, samples: Samples) {
  const orders = ordersByCustomer(invoices);
  const x = samples.groups.flatMap((customer, n) => {
    const cutOff = samples.times[n] ?? NaN;
    const past = orders.get(Number(customer))?.filter(({ time }) => time < cutOff) ?? [];
    const value = past.reduce((total, order) => total + order.value, 0);
    return [(cutOff - (past.at(-1)?.time ?? cutOff)) / WEEK, Math.log1p(past.length), Math.log1p(value)];
  });
  return { x: Float32Array.from(x), shape: [samples.groups.length, 1, 3], targets: labelsOf(samples) } as const;
}

/** For each test sample, the probability that the customer returns. */
export async function returningByRegression(invoices: Table, training: Samples, test: Samples): Promise<number[]> {
  const regression = logisticRegression({ features: ({ rows }) => rows });
  await regression.fit(recencyFrequencyValue(invoices, training));
  const guesses = await regression.predict(recencyFrequencyValue(invoices, test));
  return guesses.map(({ probabilities }) => probabilities?.["returning"] ?? NaN);
}
