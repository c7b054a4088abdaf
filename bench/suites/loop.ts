// How much of a training run is the core's: a whole `fit` with validation, its metrics, callbacks and commits, and the part
// of it that passes within the binding's `advance`, which the hop to a thread and back is part of.

import { createModel } from "gatewise";

import type { Row } from "../rows.js";
import { CLASSES, nameOf, shape } from "../shapes.js";
import type { Context, Suite } from "../suite.js";
import { LIMITS } from "../targets.js";
import { rowOf } from "./row.js";
import { median } from "./statistics.js";

const SUITE = "loop";
const SHAPE = shape(64, 28, 28, 128);

/** Batches of an epoch, and of the validation after it. */
const [TRAINING, VALIDATION] = [40, 8];
const EPOCHS = 4;

export const loop: Suite = {
  name: SUITE,
  async run(context) {
    return context.wanted(SUITE, nameOf(SHAPE), null) ? [await measure(context)] : [];
  },
};

/** What is there of the addon's class of trainers. */
interface Advancing {
  advance(batches: number): Promise<string>;
}

async function measure({ options, log }: Context): Promise<Row> {
  log(`${SUITE}: the part of a training run at ${nameOf(SHAPE)} that passes in the core`);
  // The very module that the package loads: what is changed here is changed there.
  const { Trainer } = (await import(new URL("../../bindings/node/index.js", import.meta.url).href)) as {
    Trainer: { prototype: Advancing };
  };
  const { advance } = Trainer.prototype;
  let [first, inCore] = [Number.NaN, 0];
  Trainer.prototype.advance = async function (batches) {
    const began = performance.now();
    first = Number.isNaN(first) ? began : first;
    try {
      return await advance.call(this, batches);
    } finally {
      inCore += performance.now() - began;
    }
  };
  const shares: number[] = [];
  const wholes: number[] = [];
  let isa: string | null = null;
  try {
    for (let run = 0; run < (options.quick ? 3 : 10); run++) {
      [first, inCore] = [Number.NaN, 0];
      isa = await train();
      const whole = performance.now() - first;
      shares.push(inCore / whole);
      wholes.push(whole / (EPOCHS * TRAINING));
    }
  } finally {
    Trainer.prototype.advance = advance;
  }
  const share = median(shares);
  return rowOf({
    suite: SUITE,
    operation: "training run",
    shape: nameOf(SHAPE),
    threads: 1,
    backend: "native",
    isa,
    ours_ms: Math.min(...wholes),
    ours_median_ms: median(wholes),
    runs: shares.length,
    figure: { value: Math.round(share * 10_000) / 100, unit: "% of the time in the core" },
    target: `≥ ${LIMITS.coreShare * 100} %`,
    met: share >= LIMITS.coreShare,
    note: `milliseconds are a training batch's, with its part of ${VALIDATION} batches of validation each ${TRAINING}, metrics, callbacks and commits`,
  });
}

/** One run; gives the instruction set. */
async function train(): Promise<string> {
  const { batch, steps, features, units } = SHAPE;
  const classes = Array.from({ length: CLASSES }, (_, index) => `class ${index}`);
  using model = await createModel(
    { input: { features }, layers: [{ cell: "lstm", units }], output: { classes }, seed: 4 },
    { backend: "native", threads: 1 },
  );
  const data = (batches: number) => {
    const n = batches * batch;
    const x = Float32Array.from({ length: n * steps * features }, (_, index) => Math.sin(index * 0.37));
    return { x, shape: [n, steps, features] as const, targets: Uint32Array.from({ length: n }, (_, index) => index % CLASSES) };
  };
  let told = 0;
  await model.fit(data(TRAINING), {
    epochs: EPOCHS,
    batchSize: batch,
    clipNorm: 1,
    validation: data(VALIDATION),
    onProgress: ({ losses }) => void (told += losses.length),
    onEpoch: () => void (told += 1),
  });
  if (told !== EPOCHS * (TRAINING + 1)) throw new Error(`${told} losses and epochs were told`);
  return model.backend.isa;
}
