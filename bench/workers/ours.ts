// Gatewise through its public API, as `import { … } from "gatewise"` gives it: compiled, on the backend that the job asks for.

import { loadModel, type Model } from "gatewise";

import { type Data, readData } from "./files.js";
import { CHECKED_STEPS, type Job, TRAINING } from "./protocol.js";
import { type Work, serve } from "./serve.js";
import { CROSSING, PausedFit } from "./paused-fit.js";

await serve(async (job) => {
  const model = await loadModel(job.model, { backend: job.backend ?? "native", threads: job.threads });
  return { isa: model.backend.isa, ...workOf(job, model, readData(job.data)), dispose: () => model.dispose() };
});

function workOf(job: Job, model: Model, data: Data): Work {
  switch (job.operation) {
    case "inference":
      return inference(job, model, data);
    case "training step":
      return trainingStep(job, model, data);
    case "streaming step":
      return streamingStep(job, model, data);
    default:
      throw new Error(`the TypeScript API has no operation "${job.operation}"`);
  }
}

/** One batch in, its probabilities out, into arrays that are kept. */
function inference({ shape, classes }: Job, model: Model, data: Data): Work {
  const x = data.x.slice(0, shape.batch * shape.steps * shape.features);
  const lengths = data.lengths?.slice(0, shape.batch);
  const y = new Float32Array(shape.batch * classes);
  return {
    check: () => ({ probabilities: model.run(x, y, lengths) }),
    run: (count) => {
      for (let run = 0; run < count; run++) model.run(x, y, lengths);
    },
  };
}

/** `fit` over all batches, again and again; it pauses between measurements. */
function trainingStep({ shape, data: { batches } }: Job, model: Model, data: Data): Work {
  const { x, tokens, ...others } = data;
  const samples = batches * shape.batch;
  const { clipNorm, ...adam } = TRAINING;
  const fit = new PausedFit(
    model,
    tokens ? { ...others, tokens, shape: [samples, shape.steps] } : { ...others, x, shape: [samples, shape.steps, shape.features] },
    { batchSize: shape.batch, shuffle: false, optimizer: { kind: "adam", ...adam }, clipNorm },
  );
  return {
    async check() {
      await fit.run(CHECKED_STEPS);
      return { losses: Float32Array.from(fit.losses.slice(0, CHECKED_STEPS)) };
    },
    run: (count) => fit.run(count),
    shortest: CROSSING,
  };
}

/** The allocation-free variant of `stream.next`. Steps come from the data in turn. */
function streamingStep({ shape: { features }, classes, data: { batches } }: Job, model: Model, data: Data): Work {
  const stream = model.stream();
  const steps = Array.from({ length: batches }, (_, step) => data.x.slice(step * features, (step + 1) * features));
  const y = new Float32Array(classes);
  let next = 0;
  const step = () => {
    const features = steps[next];
    next = (next + 1) % batches;
    if (features) stream.run(features, y);
  };
  return {
    check() {
      const probabilities = new Float32Array(CHECKED_STEPS * classes);
      for (let run = 0; run < CHECKED_STEPS; run++) {
        step();
        probabilities.set(y, run * classes);
      }
      return { probabilities };
    },
    run: (count) => {
      for (let run = 0; run < count; run++) step();
    },
  };
}
