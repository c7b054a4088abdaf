// What the workers of onnxruntime-node and onnxruntime-web share: both have the same API.

import { readData, readTensors } from "./files.js";
import { onnxModel } from "./onnx-graph.js";
import { CHECKED_STEPS, type Job } from "./protocol.js";
import type { Work } from "./serve.js";

interface Tensor {
  readonly data: Float32Array;
}

type Tensors = Record<string, Tensor>;

interface Session {
  run(feeds: Tensors, fetches?: Tensors): Promise<Tensors>;
}

/** What is used of the package. */
export interface OnnxRuntime {
  readonly Tensor: new (type: "float32" | "int32", data: Float32Array | Int32Array, sizes: readonly number[]) => Tensor;
  readonly InferenceSession: { create(model: Uint8Array, options: object): Promise<Session> };
}

/** How the two differ. */
interface Runtime {
  readonly provider: "cpu" | "wasm";
  /** Whether results can go into an array that is kept, as ours do. The WebAssembly one makes a new array every time. */
  readonly fetches: boolean;
}

/** A session with every optimisation and that many threads. */
export async function openWork(ort: OnnxRuntime, { provider, fetches }: Runtime, job: Job): Promise<Work> {
  const streaming = job.operation === "streaming step";
  if (!streaming && job.operation !== "inference") throw new Error(`ONNX Runtime has no operation "${job.operation}"`);
  const model = onnxModel({ shape: job.shape, classes: job.classes, tensors: readTensors(job.model), states: streaming });
  const session = await ort.InferenceSession.create(model, {
    executionProviders: [provider],
    graphOptimizationLevel: "all",
    executionMode: "sequential",
    intraOpNumThreads: job.threads,
    interOpNumThreads: 1,
  });
  return streaming ? stream(ort, session, job) : inference(ort, session, job, fetches);
}

function inference(ort: OnnxRuntime, session: Session, { shape, classes, data: files }: Job, fetches: boolean): Work {
  const { batch, steps, features } = shape;
  const data = readData(files);
  const feeds: Tensors = { x: new ort.Tensor("float32", timeMajor(data.x, batch, steps, features), [steps, batch, features]) };
  if (data.lengths) feeds["lengths"] = new ort.Tensor("int32", Int32Array.from(data.lengths.subarray(0, batch)), [batch]);
  const probabilities = new ort.Tensor("float32", new Float32Array(batch * classes), [batch, classes]);
  const run = () => (fetches ? session.run(feeds, { probabilities }) : session.run(feeds));
  return {
    check: async () => ({ probabilities: (await run())["probabilities"]?.data ?? new Float32Array() }),
    async run(count) {
      for (let done = 0; done < count; done++) await run();
    },
  };
}

function stream(ort: OnnxRuntime, session: Session, { shape, classes, data: files }: Job): Work {
  const { features, units } = shape;
  const data = readData(files);
  const steps = Array.from({ length: files.batches }, (_, step) => new ort.Tensor("float32", data.x.slice(step * features, (step + 1) * features), [1, 1, features]));
  const zeros = new ort.Tensor("float32", new Float32Array(units), [1, 1, units]);
  let [h, c, next] = [zeros, zeros, 0];
  const step = async () => {
    const outputs = await session.run({ x: steps[next] ?? zeros, h, c });
    next = (next + 1) % files.batches;
    [h, c] = [outputs["h_next"] ?? zeros, outputs["c_next"] ?? zeros];
    return outputs["probabilities"]?.data ?? new Float32Array();
  };
  return {
    async check() {
      const probabilities = new Float32Array(CHECKED_STEPS * classes);
      for (let done = 0; done < CHECKED_STEPS; done++) probabilities.set(await step(), done * classes);
      return { probabilities };
    },
    async run(count) {
      for (let done = 0; done < count; done++) await step();
    },
  };
}

/** The first batch of [n, steps, features] as [steps, batch, features]. */
export function timeMajor(x: Float32Array, batch: number, steps: number, features: number): Float32Array {
  const result = new Float32Array(batch * steps * features);
  for (let sample = 0; sample < batch; sample++) {
    for (let step = 0; step < steps; step++) {
      const from = (sample * steps + step) * features;
      result.set(x.subarray(from, from + features), (step * batch + sample) * features);
    }
  }
  return result;
}
