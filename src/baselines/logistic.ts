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
        const scores = probabilitiesOf(weights, scale(row), classes.length);
        const best = scores.indexOf(Math.max(...scores));
        return { label: classes[best] as string, probabilities: Object.fromEntries(classes.map((name, k) => [name, scores[k] as number])) };
      });
    },
  };
}

async function learn(rows: readonly Float64Array[], targets: readonly string[], c: number, { signal }: WorkOptions): Promise<Fitted> {
  const classes = [...new Set(targets)];
  const scale = standardScaling(rows);
  const design = designOf(rows.map(scale));
  const indices = Int32Array.from(targets, (target) => classes.indexOf(target));
  const outputs = classes.length > 2 ? classes.length : classes.length - 1;
  let turn = performance.now();
  const start = new Float64Array(outputs * design.width);
  const weights = await minimise((place) => penalisedLoss(place, design, indices, { c, classes: classes.length }), start, {
    // The gradient is a sum over the samples.
    tolerance: 1e-7 * c * rows.length,
    iterations: 1000,
    async before() {
      // Also where the work is done before there is a turn to take.
      signal?.throwIfAborted();
      if (performance.now() - turn < TURN_MS) return;
      await nextTurn();
      signal?.throwIfAborted();
      turn = performance.now();
    },
  });
  return { classes, scale, weights };
}

/** Rows with a 1 before their features. */
interface Design {
  readonly width: number;
  /** [n, width] */
  readonly data: Float64Array;
}

function designOf(rows: readonly Float64Array[]): Design {
  const width = 1 + (rows[0]?.length ?? 0);
  const data = new Float64Array(rows.length * width).fill(1);
  rows.forEach((row, n) => data.set(row, n * width + 1));
  return { width, data };
}

/** c Σ −ln p + ½ Σ w², and its gradient. */
function penalisedLoss(weights: Float64Array, design: Design, targets: Int32Array, { c, classes }: { c: number; classes: number }): Slope {
  const { width, data } = design;
  const gradient = weights.map((weight, i) => (i % width === 0 ? 0 : weight));
  let value = 0.5 * gradient.reduce((sum, weight) => sum + weight * weight, 0);
  const outputs = weights.length / width;
  const p = new Float64Array(classes);
  for (let n = 0; n < targets.length; n++) {
    const target = targets[n] as number;
    value -= c * logProbabilities(weights, data.subarray(n * width, (n + 1) * width), p, target);
    for (let k = 0; k < outputs; k++) {
      const output = k + classes - outputs;
      const error = c * ((p[output] as number) - (output === target ? 1 : 0));
      for (let i = 0; i < width; i++) gradient[k * width + i] = (gradient[k * width + i] as number) + error * (data[n * width + i] as number);
    }
  }
  return { value, gradient };
}

/**
 * Fills `p` [classes] with probabilities; gives the logarithm of the target's. Where there is one output less than classes, the
 * first class's score is 0.
 */
function logProbabilities(weights: Float64Array, x: Float64Array, p: Float64Array, target: number): number {
  const width = x.length;
  const without = p.length - weights.length / width;
  let top = -Infinity;
  for (let k = 0; k < p.length; k++) {
    let score = 0;
    if (k >= without) for (let i = 0; i < width; i++) score += (weights[(k - without) * width + i] as number) * (x[i] as number);
    p[k] = score;
    top = Math.max(top, score);
  }
  const own = p[target] as number;
  let total = 0;
  for (let k = 0; k < p.length; k++) {
    p[k] = Math.exp((p[k] as number) - top);
    total += p[k] as number;
  }
  for (let k = 0; k < p.length; k++) p[k] = (p[k] as number) / total;
  return own - top - Math.log(total);
}

function probabilitiesOf(weights: Float64Array, row: Float64Array, classes: number): number[] {
  const p = new Float64Array(classes);
  logProbabilities(weights, designOf([row]).data, p, 0);
  return [...p];
}
