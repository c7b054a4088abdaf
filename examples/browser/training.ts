// What is trained, and how. Knows no page: the same lines run in a browser and in Node, and give the same numbers there.

import { type FitOptions, type History, type LabelledData, type MachineOptions, type Model, createModel, defineModel } from "gatewise";

/** The halves of the year: October to March, April to September. */
export type Season = "winter" | "summer";

const HOURS = 24;

const definition = defineModel({
  input: { features: 1 }, // the demand in one hour; each day has mean 0 and deviation 1 already
  layers: [{ cell: "lstm", units: 128 }],
  output: { classes: ["winter", "summer"] },
  seed: 7,
});

/** The days of a CSV file: a header, then a row a day, its season first. */
export function readDays(csv: string): LabelledData<Season> {
  const rows = csv.trim().split(/\r?\n/).slice(1).map((row) => row.split(","));
  return {
    x: Float32Array.from(rows.flatMap(([, ...demand]) => demand.map(Number))),
    shape: [rows.length, HOURS, 1],
    targets: rows.map(([season]) => season as Season), // a name that is no class is refused by `fit`
  };
}

/** A model that has learnt nothing yet. */
export function newModel(options?: MachineOptions): Promise<Model<Season>> {
  return createModel(definition, options);
}

/** Trains it. `watch` is told of the progress and can stop it. */
export function train(
  model: Model<Season>,
  days: LabelledData<Season>,
  watch: Pick<FitOptions<Season>, "onProgress" | "signal"> = {},
): Promise<History> {
  return model.fit(days, {
    epochs: 60,
    batchSize: 16,
    optimizer: { kind: "adam", learningRate: 1e-3 },
    clipNorm: 1,
    ...watch,
  });
}
