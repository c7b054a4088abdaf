// The public names of `gatewise/metrics`, nothing else.

export { accuracy, balancedAccuracy, confusionMatrix, f1 } from "./classification.js";
export {
  meanAbsoluteError,
  meanAbsolutePercentageError,
  meanAbsoluteScaledError,
  pinballLoss,
  rootMeanSquaredError,
  symmetricMeanAbsolutePercentageError,
} from "./forecasts.js";
export { compareAucs, dieboldMariano, mcNemar } from "./paired-tests.js";
export { calibrationCurve, calibrationError, logLoss } from "./probabilities.js";
export { averagePrecision, precisionRecallCurve, rocAuc, rocCurve } from "./ranking.js";
export { GatewiseError } from "../errors.js";

export type { Numbers, Positives, Weighted } from "./check.js";
export type { ConfusionMatrix, F1Options, Label } from "./classification.js";
export type { ErrorCode } from "../errors.js";
export type { DeLongResult, DieboldMarianoResult, McNemarResult } from "./paired-tests.js";
export type { CalibrationOptions, CalibrationPoint } from "./probabilities.js";
export type { PrecisionRecallPoint, RocPoint } from "./ranking.js";
