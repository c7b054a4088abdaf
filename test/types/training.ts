// What the compiler knows of how a model is trained. Compiled by types.test.ts, never run: each line marked as an error must
// be one.

import type { FitOptions, LearningRate, LearningRateRange, Model } from "gatewise";

declare const model: Model<"a" | "b">;
const data = { x: new Float32Array(2), shape: [1, 2, 1], targets: ["a"] } as const;

await model.fit(data, { optimizer: { kind: "sgd", momentum: 0.9, nesterov: true, weightDecay: 0.1 }, clipAdaptive: 0.01, l2: 0.1 });
await model.fit(data, { optimizer: { kind: "rmsprop", learningRate: { schedule: "step", every: 2 }, centered: true } });
await model.fit(data, { optimizer: { kind: "adamw", learningRate: ({ step, totalSteps }) => 1 - step / totalSteps, amsgrad: true } });
const groups = [{ parameters: ["output.*"], learningRateFactor: 2 }, { parameters: ["layers.*"], frozen: true }] as const;
await model.fit(data, { optimizer: { kind: "lion", groups } });
// @ts-expect-error Adam has no momentum
await model.fit(data, { optimizer: { kind: "adam", momentum: 0.9 } });
// @ts-expect-error an optimiser that there is not
await model.fit(data, { optimizer: { kind: "adagrad" } });

const rates: LearningRate[] = [0.1, { schedule: "cosine", restartEpochs: 2 }, { schedule: "plateau", patience: 3, warmup: { steps: 5 } }];
// @ts-expect-error the peak has no default
rates.push({ schedule: "one-cycle" });
// @ts-expect-error of another schedule
rates.push({ schedule: "exponential", factor: 0.5, peak: 1 });

const range: LearningRateRange = await model.findLearningRate(data, { optimizer: { kind: "sgd", momentum: 0.9 }, batchSize: 8 });
const options: FitOptions<"a" | "b"> = {
  optimizer: { kind: "adam", learningRate: { schedule: "one-cycle", peak: range.suggestion ?? 1e-3 } },
};
await model.fit(data, options);
// @ts-expect-error the learning rate is what is looked for
await model.findLearningRate(data, { optimizer: { kind: "adam", learningRate: 1 } });
