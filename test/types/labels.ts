// What the compiler knows of a model. Compiled by types.test.ts, never run: each line marked as an error must be one.

import { type GatewiseError, type Model, type RowPrediction, createModel, defineModel, loadModel } from "gatewise";
import { type Prepared, definePipeline } from "gatewise/data";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function assertType<_Holds extends true>(): void {}

const definition = defineModel({
  input: { features: 5, scaling: "standard" },
  layers: [{ cell: "lstm", units: 8 }],
  output: { classes: ["lapsed", "returning"] },
});
const model = await createModel(definition, { backend: "auto", threads: 2 });
const x = new Float32Array(10);
const sequences = { x, shape: [1, 2, 5] } as const;

// The classes' names become a union, all the way through.
assertType<Equal<typeof model, Model<"lapsed" | "returning">>>();
const [prediction] = await model.predict(sequences);
if (prediction) {
  assertType<Equal<typeof prediction.label, "lapsed" | "returning">>();
  const certain: number = prediction.probabilities.returning;
  // @ts-expect-error a class that there is not
  console.log(prediction.probabilities.churned);
  // @ts-expect-error a comparison that is never true
  if (prediction.label === "churned") console.log(certain);
}
assertType<Equal<ReturnType<ReturnType<typeof model.stream>["next"]>["label"], "lapsed" | "returning">>();

// Without defineModel likewise.
const inline = await createModel({
  input: { features: 1 },
  layers: [{ cell: "lstm", units: 8 }],
  output: { classes: ["a", "b", "c"] },
});
assertType<Equal<typeof inline, Model<"a" | "b" | "c">>>();

// Targets are those names, or indices in an integer array.
await model.fit({ ...sequences, targets: ["returning"] });
await model.fit({ ...sequences, targets: new Uint8Array([1]), lengths: [2] });
// @ts-expect-error a class that there is not
await model.fit({ ...sequences, targets: ["churned"] });
// @ts-expect-error indices are whole numbers
await model.fit({ ...sequences, targets: new Float32Array([1]) });
// @ts-expect-error training needs targets
await model.fit(sequences);
// @ts-expect-error a class that there is not, in the validation data
await model.fit({ ...sequences, targets: ["lapsed"] }, { validation: { ...sequences, targets: ["churned"] } });
// @ts-expect-error two sizes are not three
await model.predict({ x, shape: [1, 10] });
// @ts-expect-error neither numbers nor tokens
await model.predict({ shape: [1, 10] });
await model.predict({ tokens: new Uint8Array(10), statics: x, shape: [1, 10] });
await model.predict({ x, tokens: new Uint32Array(10), shape: [1, 10, 5] });
// @ts-expect-error tokens are whole numbers
await model.predict({ tokens: new Float32Array(10), shape: [1, 10] });
// @ts-expect-error numbers in a plain array
await model.predict({ x: [1, 2], shape: [1, 2, 1] });

// Definitions and options.
const bare = { input: { features: 1 }, output: { classes: ["a", "b"] } } as const;
// @ts-expect-error a cell that there is not
defineModel({ ...bare, layers: [{ cell: "lstn", units: 1 }] });
// @ts-expect-error a scaling that there is not
defineModel({ ...bare, layers: [{ cell: "lstm", units: 1 }], input: { features: 1, scaling: "minmax" } });
// @ts-expect-error definitions are frozen
definition.output.classes[0] = "returning";
// @ts-expect-error a backend that there is not
await createModel(definition, { backend: "cuda" });
await model.fit({ ...sequences, targets: ["lapsed"] }, { epochs: 3, optimizer: { kind: "adam", learningRate: 0.1 }, clipNorm: 1 });
// @ts-expect-error an option that there is not
await model.fit({ ...sequences, targets: ["lapsed"] }, { epoch: 3 });

// A file's classes are what the caller says; without a word, any.
const unknown = await loadModel("orders.safetensors");
assertType<Equal<typeof unknown, Model>>();
const loaded = await loadModel<"lapsed" | "returning">("orders.safetensors");
assertType<Equal<typeof loaded, typeof model>>();
// A model of any classes can be handed on.
const any: Pick<Model, "summary" | "backend" | "parameters"> = model;
console.log(any.summary());

// save gives bytes, or writes them.
const bytes: Uint8Array = await model.save();
// @ts-expect-error what is written is not given
const nothing: Uint8Array = await model.save("orders.safetensors");
console.log(bytes, nothing);

// Errors can be told apart.
declare const error: GatewiseError;
if (error.code === "shape_mismatch") console.log(error.path);
// @ts-expect-error a code that there is not
if (error.code === "shape_mismatched") console.log(error.path);

// Pipelines know what their targets are for, and models take what they give.
const rows = [{ customer: 1, time: "2024-01-01", value: 1 }];
const pipeline = definePipeline({
  group: "customer",
  time: "time",
  features: ["value"],
  target: { event: { value: 1 }, within: 3, classes: ["lapsed", "returning"] },
});
const fitted = pipeline.fit(rows);
const prepared: Prepared<"lapsed" | "returning"> = fitted.apply(rows);
const [, , features]: readonly [number, number, number] = fitted.apply(rows).shape;
console.log(prepared.until, features, fitted.sequences(rows).x.length);
const words = definePipeline({ features: [{ column: "word", encode: "tokens" }] }).fit([{ word: "a" }]).sequences([{ word: "a" }]);
assertType<Equal<typeof words.x, undefined>>();
await model.fit(fitted.apply(rows), { validation: fitted.apply(rows) });
const [row] = await model.predict({ rows, cutOffs: "2024-02-01", latest: true });
assertType<Equal<typeof row, RowPrediction<"lapsed" | "returning"> | undefined>>();
const others = definePipeline({ features: ["value"], target: { label: "kind", classes: ["calm", "storm"] } });
// @ts-expect-error other classes
await model.fit(others.fit(rows).apply(rows));
const values = definePipeline({ features: ["value"], target: { values: "value" } }).fit(rows);
const forecaster = await createModel({ input: { features: 1 }, layers: [{ cell: "gru", units: 4 }], output: { values: 1, steps: 2 } });
await forecaster.fit(values.apply(rows));
// @ts-expect-error values are no classes
await model.fit(values.apply(rows));
// @ts-expect-error a field that there is not
definePipeline({ features: [{ column: "value", scale: "log10" }] });
