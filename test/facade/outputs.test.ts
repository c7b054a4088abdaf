// Every kind of output through the whole API, on both backends. Their numbers are the core's tests' business, against PyTorch
// and the oracle.

import { type BackendName, type DefinitionOf, type Model, type Output, type OutputDefinition, createModel, defineModel, loadModel } from "gatewise";
import { describe, expect, test } from "vitest";

import { BACKENDS, expectError, randomNumbers, sameBits } from "./support.js";

const N = 48;
const STEPS = 6;

/** Sequences of one feature; NaN in the padding. `up` says of each step whether its number is positive. */
function sequences() {
  const random = randomNumbers(5);
  const x = new Float32Array(N * STEPS).fill(Number.NaN);
  const lengths = Uint32Array.from({ length: N }, (_, sample) => 1 + ((sample * 5) % STEPS));
  const up: boolean[][] = [];
  for (let sample = 0; sample < N; sample++) {
    const steps = Array.from({ length: lengths[sample] ?? 0 }, () => random());
    x.set(steps, sample * STEPS);
    up.push(steps.map((value) => value > 0));
  }
  return { x, shape: [N, STEPS, 1] as const, lengths, up };
}

const OPTIONS = { epochs: 40, batchSize: 8, optimizer: { kind: "adam", learningRate: 0.03 } } as const;
const { up, ...data } = sequences();

function make<const Out extends OutputDefinition>(output: DefinitionOf<Out>["output"], backend: BackendName) {
  return createModel<Out>({ input: { features: 1 }, layers: [{ cell: "lstm", units: 8 }], output, seed: 3 }, { backend });
}

/** Saves and loads a model: it is the same, to the bit, in what it is and what `run` gives. Gives what `run` gave. */
async function comesBack<Out extends Output>(model: Model<Out>, numbers: number): Promise<Float32Array> {
  using loaded = await loadModel<Out>(await model.save(), { backend: model.backend.name });
  expect(loaded.definition).toEqual(model.definition);
  const [y, again] = [new Float32Array(numbers).fill(-1), new Float32Array(numbers)];
  model.run(data.x, y, data.lengths);
  expect(sameBits(loaded.run(data.x, again, data.lengths), y)).toBe(true);
  return y;
}

function expectLess(epochs: readonly { loss: number; validation: { loss: number } | null }[]): void {
  const [first, last] = [epochs[0], epochs.at(-1)];
  expect(last?.loss).toBeLessThan((first?.loss ?? 0) / 2);
  expect(last?.validation?.loss).toBeLessThan((first?.validation?.loss ?? 0) / 2);
}

describe.each(BACKENDS)("on the %s backend", (backend) => {
  test("classes at each step", async () => {
    using model = await make({ classes: ["down", "up"], at: "each" }, backend);
    const targets = up.map((steps) => steps.map((is, step) => (step === 4 ? null : is ? "up" : "down")));
    const { epochs } = await model.fit({ ...data, targets }, { ...OPTIONS, validation: { ...data, targets } });
    expectLess(epochs);
    expect(epochs.at(-1)?.accuracy).toBeGreaterThan(0.95);

    const y = await comesBack(model, N * STEPS * 2);
    const predictions = await model.predict(data);
    expect(predictions.map((steps) => steps.length)).toEqual([...data.lengths]);
    for (const [sample, steps] of predictions.entries()) {
      for (const [step, { label, probabilities }] of steps.entries()) {
        expect(probabilities.up).toBe(y[(sample * STEPS + step) * 2 + 1]);
        expect(label).toBe(probabilities.up > probabilities.down ? "up" : "down");
      }
      expect([...y.subarray((sample * STEPS + steps.length) * 2, (sample + 1) * STEPS * 2)].every((v) => v === 0)).toBe(true);
    }

    const report = await model.evaluate({ ...data, targets });
    expect(report.steps).toBe(targets.flat().filter((target) => target !== null).length);
    expect(report.accuracy).toBeGreaterThan(0.95);
    expect(report.perplexity).toBeCloseTo(Math.exp(report.loss), 12);
    expect(report.loss).toBeCloseTo(epochs.at(-1)?.validation?.loss ?? 0, 4);
    // The same targets as indices.
    const indices = new Int32Array(N * STEPS).fill(-7);
    targets.forEach((steps, sample) =>
      steps.forEach((target, step) => {
        if (target !== null) indices[sample * STEPS + step] = target === "up" ? 1 : 0;
      }),
    );
    expect(await model.evaluate({ ...data, targets: indices })).toEqual(report);

    const stream = model.stream();
    const length = data.lengths[3] ?? 0;
    for (let step = 0; step < length; step++) {
      const { probabilities } = stream.next(data.x.subarray(3 * STEPS + step, 3 * STEPS + step + 1));
      expect(probabilities.up).toBeCloseTo(predictions[3]?.[step]?.probabilities.up ?? 0, 5);
    }
    // Without lengths, `run` takes one sequence.
    const one = model.run(data.x.slice(3 * STEPS, 3 * STEPS + length), new Float32Array(length * 2));
    expect(one[1]).toBeCloseTo(y[3 * STEPS * 2 + 1] ?? 0, 5);
  });

  test("values of a normalised last state", async () => {
    using model = await make({ values: 1, norm: true, dropout: 0.0625 }, backend);
    expect(model.summary()).toContain("output: linear, norm  [n, 1]");
    const { "output.norm.weight": gain, "output.norm.bias": bias } = model.parameters();
    expect([gain?.shape, gain?.data, bias?.data]).toEqual([[8], new Float32Array(8).fill(1), new Float32Array(8)]);
    const targets = Float32Array.from(up, (steps) => (steps.at(-1) ? 1 : -1));
    const { epochs } = await model.fit({ ...data, targets }, { ...OPTIONS, validation: { ...data, targets } });
    expectLess(epochs);
    expect(model.parameters()["output.norm.weight"]?.data.every((value) => value !== 1)).toBe(true);
    await comesBack(model, N);
  });

  test("labels, from attention over the steps", async () => {
    using model = await make({ labels: ["ever", "always"], at: "attention", attentionUnits: 5 }, backend);
    expect(model.summary()).toContain("output: sigmoid  [n, 2]");
    expect(model.parameters()["attention.weight"]?.shape).toEqual([5, 8]);
    const targets = up.map((steps) => [
      ...(steps.some(Boolean) ? (["ever"] as const) : []),
      ...(steps.every(Boolean) ? (["always"] as const) : []),
    ]);
    const loss = { kind: "binary_cross_entropy", positiveWeights: { always: 1.5 } } as const;
    const { epochs } = await model.fit({ ...data, targets }, { ...OPTIONS, loss, validation: { ...data, targets } });
    expectLess(epochs);

    const y = await comesBack(model, N * 2);
    const predictions = await model.predict(data);
    expect(predictions.flatMap(({ probabilities }) => [probabilities.ever, probabilities.always])).toEqual([...y]);
    expect(predictions[0]?.labels).toEqual((["ever", "always"] as const).filter((_, label) => (y[label] ?? 0) > 0.5));

    const report = await model.evaluate({ ...data, targets });
    const right = predictions.filter(({ labels }, sample) => String(labels) === String(targets[sample])).length;
    expect(report.exactMatch).toBeCloseTo(right / N, 12);
    expect(report.labels[0]?.support).toBe(targets.filter((labels) => labels.includes("ever" as never)).length);
    expect(report.f1).toBeCloseTo(((report.labels[0]?.f1 ?? 0) + (report.labels[1]?.f1 ?? 0)) / 2, 12);
    const numbers = Uint8Array.from(up.flatMap((steps) => [steps.some(Boolean), steps.every(Boolean)].map(Number)));
    expect(await model.evaluate({ ...data, targets: numbers })).toEqual(report);
    await expectError(() => model.stream(), "invalid_definition", "definition.output.at");
  });

  test("values of several steps ahead", async () => {
    using model = await make({ values: 1, steps: 2, at: "mean" }, backend);
    const share = up.map((steps) => steps.filter(Boolean).length / steps.length);
    const targets = Float32Array.from(share.flatMap((part) => [part, 1 - part]));
    const loss = { kind: "huber", delta: 0.5 } as const;
    const { epochs } = await model.fit({ ...data, targets }, { ...OPTIONS, loss, validation: { ...data, targets } });
    expectLess(epochs);
    expect(epochs[0]?.accuracy).toBeNull();

    const y = await comesBack(model, N * 2);
    const predictions = await model.predict(data);
    expect(predictions.flatMap(({ values }) => [...values])).toEqual([...y]);
    expect(predictions[0]?.shape).toEqual([2, 1]);

    const report = await model.evaluate({ ...data, targets });
    const errors = y.map((value, index) => value - (targets[index] ?? 0));
    expect(report.mae).toBeCloseTo(errors.reduce((sum, error) => sum + Math.abs(error), 0) / errors.length, 6);
    expect(report.rmse ** 2).toBeCloseTo(report.loss, 12);
    expect(report.r2).toBeGreaterThan(0.7);
    expect(report.values).toHaveLength(2);
    // What weighs nothing may be anything, and counts nowhere.
    const weights = new Float32Array(N).fill(1);
    const masked = targets.slice();
    weights[2] = 0;
    masked[4] = Number.NaN;
    expect((await model.evaluate({ ...data, targets: masked, weights })).samples).toBe(N - 1);
    await expectError(() => model.evaluate({ ...data, targets: masked }), "not_finite", "targets[4]");
    await expectError(() => model.fit({ ...data, targets: masked }), "not_finite", "targets[4]");
  });

  test("quantiles, in order", async () => {
    using model = await make({ values: 1, quantiles: [0.1, 0.5, 0.9], at: "max" }, backend);
    const targets = Float32Array.from(up, (steps) => steps.filter(Boolean).length);
    const { epochs } = await model.fit({ ...data, targets }, { ...OPTIONS, epochs: 80 });
    expect(epochs.at(-1)?.loss).toBeLessThan((epochs[0]?.loss ?? 0) / 2);
    const [first] = await model.predict(data);
    expect(first?.shape).toEqual([1, 3]);
    const report = await model.evaluate({ ...data, targets });
    const [low = 1, middle = 0, high = 0] = report.coverage ?? [];
    expect(low).toBeLessThan(middle);
    expect(middle).toBeLessThan(high);
    expect(report.loss).toBeCloseTo(epochs.at(-1)?.loss ?? 0, 1);
  });

  test("values at each step", async () => {
    using model = await make({ values: 1, at: "each" }, backend);
    const targets = data.x.map((value) => 2 * value);
    const weights = new Float32Array(N * STEPS).fill(1);
    const { epochs } = await model.fit({ ...data, targets, weights }, OPTIONS);
    expect(epochs.at(-1)?.loss).toBeLessThan((epochs[0]?.loss ?? 0) / 4);
    const report = await model.evaluate({ ...data, targets });
    expect(report.samples).toBe(data.lengths.reduce((sum, length) => sum + length, 0));
    expect(report.r2).toBeGreaterThan(0.8);
  });

  test("classes with weights and smoothing", async () => {
    const output = { classes: ["down", "up"] } as const;
    const targets = up.map((steps) => (steps.at(-1) ? "up" : "down"));
    const train = async (loss?: { kind: "cross_entropy"; labelSmoothing?: number; classWeights?: { up: number } }) => {
      using model = await make(output, backend);
      const { losses } = await model.fit({ ...data, targets }, { epochs: 1, batchSize: N, loss });
      return losses[0] ?? Number.NaN;
    };
    const plain = await train();
    expect(await train({ kind: "cross_entropy" })).toBe(plain);
    expect(await train({ kind: "cross_entropy", labelSmoothing: 0.5 })).not.toBeCloseTo(plain, 4);
    expect(await train({ kind: "cross_entropy", classWeights: { up: 5 } })).not.toBeCloseTo(plain, 4);
    // Weights of samples, as weights of the classes: the same mean.
    using model = await make(output, backend);
    const weights = Float32Array.from(targets, (target) => (target === "up" ? 5 : 1));
    const { losses } = await model.fit({ ...data, targets, weights }, { epochs: 1, batchSize: N });
    expect(losses[0]).toBeCloseTo(await train({ kind: "cross_entropy", classWeights: { up: 5 } }), 6);
  });

  test("each mistake has its place", async () => {
    const bad = async (output: object, path: string) => {
      const definition = { input: { features: 1 }, layers: [{ cell: "lstm", units: 2 }], output };
      await expectError(() => createModel(definition as never, { backend }), "invalid_definition", `definition.output${path}`);
    };
    await bad({}, "");
    await bad({ values: 1, labels: ["a"] }, ".values");
    await bad({ classes: ["a", "b"], quantiles: [0.5] }, ".quantiles");
    await bad({ values: 1, at: "each", attentionUnits: 3 }, ".attentionUnits");
    await bad({ values: 1, quantiles: [0.5, 0.4] }, ".quantiles[1]");

    using tagger = await make({ classes: ["a", "b"], at: "each" }, backend);
    const tags = up.map((steps) => steps.map(() => "a" as const));
    const refuse = (targets: unknown, code: "shape_mismatch" | "unknown_class" | "invalid_option", path: string) =>
      expectError(() => tagger.fit({ ...data, targets: targets as typeof tags }), code, path);
    await refuse(tags.slice(1), "shape_mismatch", "targets");
    await refuse(tags.map((steps, sample) => (sample === 7 ? [] : steps)), "shape_mismatch", "targets[7]");
    await refuse(tags.map((steps, sample) => (sample === 7 ? ["c", ...steps.slice(1)] : steps)), "unknown_class", "targets[7][0]");
    await refuse(new Uint8Array(N), "shape_mismatch", "targets");
    await refuse(new Float32Array(N * STEPS), "invalid_option", "targets");
    await refuse(new Uint8Array(N * STEPS).fill(2), "unknown_class", "targets[0]");
    const weighted = (weights: Float32Array, validation = false) => {
      const whole = { ...data, targets: tags, weights };
      return validation ? tagger.fit({ ...data, targets: tags }, { validation: whole }) : tagger.fit(whole);
    };
    await expectError(() => weighted(new Float32Array(3)), "shape_mismatch", "weights");
    await expectError(() => weighted(new Float32Array(N)), "empty_data", "targets");
    await expectError(() => weighted(new Float32Array(N).fill(-1)), "invalid_target", "weights[0]");
    await expectError(() => weighted(new Float32Array(N).fill(-1), true), "invalid_target", "validation.weights[0]");
    await expectError(
      () => tagger.fit({ ...data, targets: tags }, { loss: { kind: "mse" } as never }),
      "invalid_option",
      "options.loss.kind",
    );
    await expectError(
      () => tagger.fit({ ...data, targets: tags }, { loss: { kind: "cross_entropy", classWeights: { c: 1 } as never } }),
      "invalid_option",
      "options.loss.classWeights.c",
    );
    await expectError(() => tagger.run(data.x.subarray(0, 6), new Float32Array(11)), "shape_mismatch", "y");

    using labeller = await make({ labels: ["a", "b"] }, backend);
    const labels = up.map(() => ["b"] as const);
    await expectError(
      () => labeller.fit({ ...data, targets: labels.with(5, ["c"] as never) }),
      "unknown_class",
      "targets[5][0]",
    );
    await expectError(() => labeller.fit({ ...data, targets: new Float32Array(N) }), "shape_mismatch", "targets");
  });

  test("an evaluation in many slices counts places from the beginning of the data", async () => {
    using model = await make({ classes: ["a", "b"], at: "each" }, backend);
    const n = 60_000;
    const x = new Float32Array(n * 4);
    const targets = new Uint32Array(n * 4);
    targets[4 * (n - 1) + 2] = 9;
    await expectError(() => model.evaluate({ x, shape: [n, 4, 1], targets }), "unknown_class", `targets[${4 * (n - 1) + 2}]`);
    targets[4 * (n - 1) + 2] = 1;
    expect((await model.evaluate({ x, shape: [n, 4, 1], targets })).steps).toBe(4 * n);
  });
});

test("a definition says what its output is, and is frozen", () => {
  const { output } = defineModel({ input: { features: 1 }, layers: [{ cell: "gru", units: 2 }], output: { labels: ["a"], at: "max" } });
  expect(output).toEqual({ labels: ["a"], at: "max" });
  expect(Object.isFrozen(output.labels)).toBe(true);
});
