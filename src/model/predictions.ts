// What a model says about sequences: probabilities, and the class that they speak for.

/** What a model predicts for one sequence. */
export interface Prediction<Label extends string = string> {
  /** The most probable class; of several, the first. */
  readonly label: Label;
  /** The probability of each class. They sum to 1. */
  readonly probabilities: Readonly<Record<Label, number>>;
}

/**
 * The prediction that `probabilities` [n, classes] holds for sequence `index`. Loops by hand: with iterators and
 * `Object.defineProperty` it would take longer than a small network's step.
 */
export function toPrediction<Label extends string>(
  classes: readonly Label[],
  probabilities: Float32Array,
  index = 0,
): Prediction<Label> {
  const named = {} as Record<Label, number>;
  const first = index * classes.length;
  let best: Label | undefined;
  let highest = -Infinity;
  for (let place = 0; place < classes.length; place++) {
    const label = classes[place] as Label;
    const probability = probabilities[first + place] ?? 0;
    if (label === "__proto__") setOwnProperty(named, label, probability);
    else named[label] = probability;
    if (probability > highest) {
      highest = probability;
      best = label;
    }
  }
  if (best === undefined) throw new RangeError("no probability is a number");
  return { label: best, probabilities: named };
}

/** For the one name to which nothing can be assigned. */
function setOwnProperty(object: object, name: string, value: number): void {
  Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true });
}
