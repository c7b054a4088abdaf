// The model and the two baselines on the same test samples. The logistic regression learns from the same training samples
// as the model; the majority class is even the test's own. Knows nothing of how the model was trained, prints nothing.

import type { Model } from "gatewise";
import type { Table } from "gatewise/data";
import { accuracy, balancedAccuracy, compareAucs, f1, rocAuc, rocCurve } from "gatewise/metrics";
import { returningByRegression } from "./baselines.js";
import { labelsOf, type Label } from "./sequences.js";
import type { Split } from "./split.js";

export type Comparison = Awaited<ReturnType<typeof compareOnTest>>;
export type Scores = ReturnType<typeof scoresOf>;

export async function compareOnTest(model: Model<Label>, invoices: Table, { training, test }: Split) {
  const returned = labelsOf(test).map((label) => label === "returning");
  const predictions = await model.predict(test);
  const lstm = predictions.map(({ probabilities }) => probabilities.returning);
  const logistic = await returningByRegression(invoices, training, test);
  const commoner = Number(returned.filter(Boolean).length * 2 > returned.length);
  return {
    lstm: { ...scoresOf(lstm, returned), confusion: (await model.evaluate(test)).confusion },
    logistic: scoresOf(logistic, returned),
    majority: scoresOf(returned.map(() => commoner), returned),
    roc: { lstm: rocCurve(returned, lstm), logistic: rocCurve(returned, logistic) },
    difference: compareAucs(returned, lstm, logistic),
  };
}

/** Of probabilities of returning: at one half and above a customer counts as predicted to return. */
function scoresOf(probabilities: readonly number[], returned: readonly boolean[]) {
  const predicted = probabilities.map((probability) => probability >= 0.5);
  return {
    accuracy: accuracy(returned, predicted),
    balancedAccuracy: balancedAccuracy(returned, predicted),
    auc: rocAuc(returned, probabilities),
    f1: f1(returned, predicted, { positive: true }),
  };
}
