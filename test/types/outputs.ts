// What the compiler knows of every kind of output. Compiled by types.test.ts, never run: each line marked as an error must
// be one.

import {
  type ClassPrediction,
  type ClassificationReport,
  type LabelsPrediction,
  type LabelsReport,
  type Model,
  type StepsReport,
  type ValuesPrediction,
  type ValuesReport,
  createModel,
  defineModel,
  loadModel,
} from "gatewise";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function assertType<_Holds extends true>(): void {}

const network = { input: { features: 1 }, layers: [{ cell: "lstm", units: 8 }] } as const;
const sequences = { x: new Float32Array(2), shape: [1, 2, 1] } as const;

// Classes of pooled sequences are classes of sequences.
const pooled = await createModel({ ...network, output: { classes: ["a", "b"], at: "mean" } });
assertType<Equal<typeof pooled, Model<"a" | "b">>>();
const attentive = await createModel({ ...network, output: { classes: ["a", "b"], at: "attention", attentionUnits: 4, norm: true } });
assertType<Equal<typeof attentive, Model<"a" | "b">>>();

// Classes of each step: lists of predictions, lists of targets.
const tagger = await createModel({ ...network, output: { classes: ["noun", "verb"], at: "each" } });
const [tags] = await tagger.predict(sequences);
assertType<Equal<typeof tags, ClassPrediction<"noun" | "verb">[] | undefined>>();
const tag = tagger.stream().next(new Float32Array(1));
assertType<Equal<typeof tag, ClassPrediction<"noun" | "verb">>>();
await tagger.fit({ ...sequences, targets: [["noun", null]] }, { loss: { kind: "cross_entropy", classWeights: { verb: 2 } } });
await tagger.fit({ ...sequences, targets: new Int32Array([0, -1]), weights: new Float32Array(2) });
// @ts-expect-error one list for each sequence
await tagger.fit({ ...sequences, targets: ["noun", "verb"] });
// @ts-expect-error a class that there is not
await tagger.fit({ ...sequences, targets: [["noun", "adverb"]] });
// @ts-expect-error a class that there is not, among the weights
await tagger.fit({ ...sequences, targets: [["noun", "verb"]] }, { loss: { kind: "cross_entropy", classWeights: { adverb: 2 } } });
const steps = await tagger.evaluate({ ...sequences, targets: [["noun", "verb"]] });
assertType<Equal<typeof steps, StepsReport>>();

// Labels.
const labeller = await createModel({ ...network, output: { labels: ["urgent", "spam"] } });
const [mail] = await labeller.predict(sequences);
assertType<Equal<typeof mail, LabelsPrediction<"urgent" | "spam"> | undefined>>();
if (mail) {
  const certain: number = mail.probabilities.urgent;
  // @ts-expect-error a label that there is not
  console.log(certain, mail.probabilities.ham);
}
await labeller.fit({ ...sequences, targets: [["urgent", "spam"]] }, { loss: { kind: "binary_cross_entropy", positiveWeights: { spam: 3 } } });
await labeller.fit({ ...sequences, targets: new Uint8Array([0, 1]) });
// @ts-expect-error a list of labels for each sequence
await labeller.fit({ ...sequences, targets: ["urgent"] });
// @ts-expect-error a loss of classes
await labeller.fit({ ...sequences, targets: [["urgent"]] }, { loss: { kind: "cross_entropy" } });
const labels = await labeller.evaluate({ ...sequences, targets: [[]] });
assertType<Equal<typeof labels, LabelsReport>>();

// Values.
const forecaster = await createModel({ ...network, output: { values: 2, steps: 3 } });
const [forecast] = await forecaster.predict(sequences);
assertType<Equal<typeof forecast, ValuesPrediction | undefined>>();
const history = await forecaster.fit({ ...sequences, targets: new Float32Array(6) }, { loss: { kind: "huber", delta: 0.5 } });
assertType<Equal<(typeof history.epochs)[number]["accuracy"], null>>();
// @ts-expect-error numbers, not names
await forecaster.fit({ ...sequences, targets: ["noun"] });
// @ts-expect-error delta belongs to huber
await forecaster.fit({ ...sequences, targets: new Float32Array(6) }, { loss: { kind: "mse", delta: 0.5 } });
const values = await forecaster.evaluate({ ...sequences, targets: new Float32Array(6) });
assertType<Equal<typeof values, ValuesReport>>();
// @ts-expect-error values have no accuracy
console.log(values.accuracy);

// Quantiles have their own loss.
const quantiles = await createModel({ ...network, output: { values: 1, quantiles: [0.1, 0.5, 0.9], at: "each" } });
const [spread] = await quantiles.predict(sequences);
assertType<Equal<typeof spread, ValuesPrediction[] | undefined>>();
// @ts-expect-error a loss of values
await quantiles.fit({ ...sequences, targets: new Float32Array(2) }, { loss: { kind: "mse" } });

// Definitions.
const definition = defineModel({ ...network, output: { classes: ["a", "b"], at: "each" } });
const defined = await createModel(definition);
assertType<Equal<typeof defined, Model<{ readonly classes: readonly ["a", "b"]; readonly at: "each" }>>>();
// @ts-expect-error a place that there is not
defineModel({ ...network, output: { classes: ["a", "b"], at: "first" } });
// @ts-expect-error a field that there is not
defineModel({ ...network, output: { classes: ["a", "b"], pooling: "mean" } });
// @ts-expect-error an output that there is not
defineModel({ ...network, output: { regression: 1 } });

// Files: what the caller says; classes have an accuracy.
const loaded = await loadModel<{ values: 1 }>("sales.safetensors");
const [value] = await loaded.predict(sequences);
assertType<Equal<typeof value, ValuesPrediction | undefined>>();
const classifier = await loadModel<"a" | "b">("orders.safetensors");
const report = await classifier.evaluate({ ...sequences, targets: ["a"] });
assertType<Equal<typeof report, ClassificationReport>>();
const accuracy: number = (await classifier.fit({ ...sequences, targets: ["b"] })).epochs[0]?.validation?.accuracy ?? 0;
console.log(accuracy);
