// The model and the two baselines on the same test samples. The logistic regression learns from the same training samples
// as the model; the majority class is even the test's own. Knows nothing of how the model was trained, prints nothing.

import type { Model } from "gatewise";
import { fitLogisticRegression, majorityLabel, recencyFrequencyValue } from "./baselines.js";
import { compareAreas, rocCurve, scoresOf } from "./metrics.js";
import { toSequences, type Label, type Sample } from "./sequences.js";
import type { Split } from "./split.js";

export type Comparison = Awaited<ReturnType<typeof compareOnTest>>;

export async function compareOnTest(model: Model<Label>, { training, test }: Split) {
  const returned = test.map(isReturning);
  const sequences = toSequences(test);
  const predictions = await model.predict(sequences);
  const lstm = predictions.map(({ probabilities }) => probabilities.returning);
  const logistic = logisticRegression(training, test);
  const majority = test.map(() => (majorityLabel(test) === "returning" ? 1 : 0));
  return {
    lstm: await model.evaluate(sequences),
    logistic: scoresOf(logistic, returned),
    majority: scoresOf(majority, returned),
    roc: { lstm: rocCurve(lstm, returned), logistic: rocCurve(logistic, returned) },
    difference: compareAreas(lstm, logistic, returned),
  };
}

/** For each test sample, the probability that the customer returns. */
function logisticRegression(training: readonly Sample[], test: readonly Sample[]): number[] {
  const regression = fitLogisticRegression(training.map(recencyFrequencyValue), training.map(isReturning));
  return test.map((sample) => regression.probability(recencyFrequencyValue(sample)));
}

function isReturning({ label }: Sample): boolean {
  return label === "returning";
}
