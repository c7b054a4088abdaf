// Logistic regression on summaries of sequences: what can be known without their order. Knows nothing of networks.

import { GatewiseError } from "../errors.js";
import { TURN_MS, nextTurn } from "../event-loop.js";
import { type Classifier, type WorkOptions, notFitted } from "./classifier.js";
import { standardScaling, summaryFeatures } from "./features.js";
import { type Slope, minimise } from "./lbfgs.js";
import { type Series, readLabelled, readSeries } from "./series.js";

/** How the weights are held back. */
export interface LogisticOptions {
  /**
   * What the sum of the samples' losses counts beside half the sum of the squared weights: the smaller, the smaller the weights;
   * `C` in scikit-learn. Above 0; 1 unless given.
   */
  readonly c?: number | undefined;
  /** What is read of a sequence. Its channels' mean, deviation, min, max, last value and slope, its length and statics unless given. */
  readonly features?: ((series: Series) => readonly Float64Array[]) | undefined;
}

interface Fitted {
  readonly classes: readonly string[];
  readonly scale: (row: Float64Array) => Float64Array;
  /** [outputs][1 + features], the intercept first. With two classes there is one output, the second's. */
  readonly weights: Float64Array;
}

/**
 * Logistic regression, multinomial for more than two classes, on summaries of the sequences, standardised on the training
 * part, with an L2 penalty on all weights but the intercepts: `LogisticRegression` in scikit-learn, to the same minimum.
 *
 * @throws {GatewiseError} `invalid_option`
 *
 * @example
 * ```ts
 * const baseline = logisticRegression({ c: 0.1 });
 * await baseline.fit(train);
 * const [guess] = await baseline.predict(test); // { label, probabilities }
 * ```
 */
export function logisticRegression({ c = 1, features = summaryFeatures }: LogisticOptions = {}): Classifier {
  if (!(c > 0 && Number.isFinite(c))) throw new GatewiseError("invalid_option", "c", `c is ${String(c)}: give a number above 0`);
  let fitted: Fitted | undefined;
  return {
    get parameters() {
      return fitted?.weights.length ?? null;
    },
    settings: { c },
    async fit(train, options = {}) {
      const series = readLabelled(train, "train.");
      fitted = await learn(features(series), series.targets, c, options);
    },
    async predict(test) {
      const series = readSeries(test, "test.");
      if (!fitted) throw notFitted();
      const { classes, scale, weights } = fitted;
      return features(series).map((row) => {
        const scores = probabilitiesOf(weights, withOne(scale(row)), classes.length);
        const best = scores.indexOf(Math.max(...scores));
        return { label: classes[best] as string, probabilities: Object.fromEntries(classes.map((name, k) => [name, scores[k] as number])) };
      });
    },
  };
}

async function learn(rows: readonly Float64Array[], targets: readonly string[], c: number, { signal }: WorkOptions): Promise<Fitted> {
  const classes = [...new Set(targets)];
  const scale = standardScaling(rows);
  const design = rows.map((row) => withOne(scale(row)));
  const indices = targets.map((target) => classes.indexOf(target));
  const width = design[0]?.length ?? 0;
  const outputs = classes.length > 2 ? classes.length : classes.length - 1;
  let turn = performance.now();
  const weights = await minimise((place) => penalisedLoss(place, design, indices, { c, classes: classes.length }), new Float64Array(outputs * width), {
    tolerance: 1e-6 * c,
    iterations: 1000,
    async before() {
      if (performance.now() - turn < TURN_MS) return;
      await nextTurn();
      signal?.throwIfAborted();
      turn = performance.now();
    },
  });
  return { classes, scale, weights };
}

/** c Σ −ln p + ½ Σ w², and its gradient. */
function penalisedLoss(
  weights: Float64Array,
  design: readonly Float64Array[],
  targets: readonly number[],
  { c, classes }: { readonly c: number; readonly classes: number },
): Slope {
  const width = design[0]?.length ?? 0;
  const gradient = weights.map((weight, i) => (i % width === 0 ? 0 : weight));
  let value = 0.5 * gradient.reduce((sum, weight) => sum + weight * weight, 0);
  const outputs = weights.length / width;
  design.forEach((x, n) => {
    const p = probabilitiesOf(weights, x, classes);
    const target = targets[n] as number;
    value -= c * Math.log(Math.max(p[target] as number, Number.MIN_VALUE));
    for (let k = 0; k < outputs; k++) {
      const output = k + classes - outputs;
      const error = c * ((p[output] as number) - (output === target ? 1 : 0));
      for (let i = 0; i < width; i++) gradient[k * width + i] = (gradient[k * width + i] as number) + error * (x[i] as number);
    }
  });
  return { value, gradient };
}

/** [classes]; where there is one output less than classes, the first class's score is 0. */
function probabilitiesOf(weights: Float64Array, x: Float64Array, classes: number): number[] {
  const outputs = weights.length / x.length;
  const scores = Array.from({ length: classes }, (_, k) => {
    const output = k - (classes - outputs);
    let score = 0;
    if (output >= 0) for (let i = 0; i < x.length; i++) score += (weights[output * x.length + i] as number) * (x[i] as number);
    return score;
  });
  const top = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - top));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

function withOne(row: Float64Array): Float64Array {
  return Float64Array.of(1, ...row);
}
