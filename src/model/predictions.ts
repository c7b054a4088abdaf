// What a model says about sequences: probabilities, and the class that they speak for.

/** What a model predicts for one sequence. */
export interface Prediction<Label extends string = string> {
  /** The most probable class; of several, the first. */
  readonly label: Label;
  /** The probability of each class. They sum to 1. */
  readonly probabilities: Readonly<Record<Label, number>>;
}

/** The prediction that `probabilities` [classes] holds. */
export function toPrediction<Label extends string>(
  classes: readonly Label[],
  probabilities: Float32Array,
): Prediction<Label> {
  const named = {} as Record<Label, number>;
  let label: Label | undefined;
  let highest = -Infinity;
  for (const [index, name] of classes.entries()) {
    const probability = probabilities[index] ?? 0;
    // Not by assignment: a class may be called "__proto__".
    Object.defineProperty(named, name, { value: probability, enumerable: true, writable: true, configurable: true });
    if (probability > highest) [highest, label] = [probability, name];
  }
  if (label === undefined) throw new RangeError("no probability is a number");
  return { label, probabilities: named };
}
