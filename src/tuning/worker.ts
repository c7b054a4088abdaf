// A worker of the tuning: trains one candidate after the other, each from its first weights, and tells how well it did.

import { parentPort, workerData } from "node:worker_threads";

import type { LabelledData } from "../data/types.js";
// The package's own entry, which is one file once it is built.
import { createModel } from "../entry/node.js";
import { fromBinding } from "../errors.js";
import type { OutputDefinition } from "../model/outputs.js";
import type { Tensor } from "../model/parameters.js";
import { samplesAt } from "./folds.js";
import type { CurvePoint, FromWorker, Job, ToWorker, WorkerSetup } from "./protocol.js";
import { unshare } from "./share.js";

const { backend, threads, folds, ...shared } = workerData as WorkerSetup;
const data = unshare(shared.data);
const validation = shared.validation && unshare(shared.validation);
let running: AbortController | undefined;

interface Parts {
  readonly training: LabelledData<OutputDefinition>;
  readonly validation: LabelledData<OutputDefinition>;
}

function partsOf(fold: number): Parts {
  const split = folds?.[fold];
  if (split) return { training: samplesAt(data, split.training), validation: samplesAt(data, split.validation) };
  if (!validation) throw new Error("the worker has neither validation data nor folds");
  return { training: data, validation };
}

async function run({ definition, options, fold }: Job, signal: AbortSignal): Promise<FromWorker> {
  const began = performance.now();
  const model = await createModel<OutputDefinition>(definition as never, { backend, threads });
  try {
    const parts = partsOf(fold);
    const onEpoch = (epoch: CurvePoint) => post({ kind: "epoch", epoch: pointOf(epoch) });
    const fitOptions = { ...options, validation: parts.validation, onEpoch, signal };
    const history = await model.fit(parts.training as never, fitOptions as never);
    if (history.stopped === "aborted") return { kind: "stopped" };
    const report = { ...(await model.evaluate(parts.validation as never)) };
    const parameters = countTrained(model.parameters());
    const seconds = (performance.now() - began) / 1000;
    return { kind: "done", outcome: { report, epochs: history.epochs.map(pointOf), parameters, seconds } };
  } finally {
    model.dispose();
  }
}

function pointOf({ epoch, loss, accuracy, validation }: CurvePoint): CurvePoint {
  return { epoch, loss, accuracy, validation: validation && { loss: validation.loss, accuracy: validation.accuracy } };
}

/** Numbers that are trained: all but the scaling, which is fitted once. */
function countTrained(tensors: Readonly<Record<string, Tensor>>): number {
  const trained = Object.entries(tensors).filter(([name]) => !/\.(mean|deviation)$/.test(name));
  return trained.reduce((sum, [, { data }]) => sum + data.length, 0);
}

function post(message: FromWorker): void {
  parentPort?.postMessage(message, []);
}

parentPort?.on("message", async (message: ToWorker) => {
  if (message.kind === "stop") {
    running?.abort();
    return;
  }
  running = new AbortController();
  try {
    post(await run(message.job, running.signal));
  } catch (thrown) {
    const { code, path, message } = fromBinding(thrown);
    post({ kind: "failed", error: { code, path, message } });
  }
});
