// The model and the two baselines on the same test samples. The logistic regression learns from the same training samples
// as the model; the majority class is even the test's own. Knows nothing of how the model was trained, prints nothing.

import type { Model } from "gatewise";
import type { Table } from "gatewise/data";
import { fitLogisticRegression, majorityLabel, recencyFrequencyValue } from "./baselines.js";
import { compareAreas, rocCurve, scoresOf } from "./metrics.js";
import { labelsOf, type Label } from "./sequences.js";
import type { Split } from "./split.js";

export type Comparison = Awaited<ReturnType<typeof compareOnTest>>;

export async function compareOnTest(model: Model<Label>, invoices: Table, { training, test }: Split) {
  const labels = labelsOf(test);
  const returned = labels.map(isReturning);
  const predictions = await model.predict(test);
  const lstm = predictions.map(({ probabilities }) => probabilities.returning);
  const regression = fitLogisticRegression(recencyFrequencyValue(invoices, training), labelsOf(training).map(isReturning));
  const logistic = recencyFrequencyValue(invoices, test).map((row) => regression.probability(row));
  const majority = returned.map(() => Number(isReturning(majorityLabel(labels))));
  return {
    lstm: await model.evaluate(test),
    logistic: scoresOf(logistic, returned),
    majority: scoresOf(majority, returned),
    roc: { lstm: rocCurve(lstm, returned), logistic: rocCurve(logistic, returned) },
    difference: compareAreas(lstm, logistic, returned),
  };
}

function isReturning(label: Label): boolean {
  return label === "returning";
}
