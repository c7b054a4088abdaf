// The order example's question, put to others than its LSTM: which customers will order again?
//   npx tsx examples/comparison/orders.ts

import { type Classifier, compare, logisticRegression } from "gatewise/baselines";
import type { Table } from "gatewise/data";

import { recencyFrequencyValue } from "../orders/baselines.js";
import { readInvoices } from "../orders/invoices.js";
import { CLASSES, type Samples } from "../orders/sequences.js";
import { splitSamples } from "../orders/split.js";
import { report, runProgram, running } from "./program.js";

/** Chosen for the LSTM by validation, in the order example. */
const TRAINING = { epochs: 10, batchSize: 64, clipNorm: 1, optimizer: { kind: "adam", learningRate: 5e-4 } } as const;

/** The regression reads its three numbers from the invoices: the weekly sequences that all others read do not hold the sums. */
function onRecencyFrequencyValue(invoices: Table, training: Samples, test: Samples): Classifier {
  const regression = logisticRegression({ features: ({ rows }) => rows });
  return {
    get parameters() {
      return regression.parameters;
    },
    fit: () => regression.fit(recencyFrequencyValue(invoices, training)),
    predict: () => regression.predict(recencyFrequencyValue(invoices, test)),
  };
}

function network(cell: "lstm" | "gru" | "rnn") {
  return { kind: cell, layers: [{ cell, units: 32 }], training: TRAINING } as const;
}

await runProgram("Compares ways of telling which customers will order again.", {}, async ({ seeds, output }) => {
  const invoices = await readInvoices(new URL("../orders/data/invoices.csv.gz", import.meta.url));
  const { training, validation, test } = splitSamples(invoices);
  const rfv = { name: "logistic: recency, frequency, value", create: () => onRecencyFrequencyValue(invoices, training, test) };
  const comparison = await compare({
    ...running(seeds),
    task: "classification",
    title: "Orders: who will order again within twelve weeks?",
    train: training,
    validation,
    test,
    classes: CLASSES,
    entrants: [network("lstm"), network("gru"), network("rnn"), rfv, "logistic", "majority", "1nn-euclidean"],
  });
  await report(comparison, "orders", output);
});
