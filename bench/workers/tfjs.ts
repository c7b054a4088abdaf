// TensorFlow.js with its WebAssembly backend, in Node, as a worker of the benchmark: its own LSTM and dense layers, its own
// Adam. Clipping by the global norm is no option of its training loop, so the loop here is its users' own form of one.

import { type Tensor as StoredTensor, readData, readTensors } from "./files.js";
import { requirePeer } from "./peer-package.js";
import { type Job, TRAINING } from "./protocol.js";
import { type Results, type Work, serve } from "./serve.js";

interface Tensor {
  readonly shape: readonly number[];
  dataSync(): Float32Array;
  add(other: Tensor): Tensor;
  mul(other: Tensor): Tensor;
  div(other: Tensor): Tensor;
  sqrt(): Tensor;
  square(): Tensor;
  sum(): Tensor;
  minimum(other: Tensor): Tensor;
  transpose(): Tensor;
  dispose(): void;
}

interface LayersModel {
  add(layer: object): void;
  apply(x: Tensor, options: { training: boolean }): Tensor;
  predict(x: Tensor): Tensor;
  setWeights(weights: readonly Tensor[]): void;
  readonly trainableWeights: readonly { readonly val: { readonly name: string } }[];
  dispose(): void;
}

/** What is used of the package. */
interface TensorFlow {
  ready(): Promise<void>;
  setBackend(name: string): Promise<boolean>;
  sequential(): LayersModel;
  readonly layers: { lstm(options: object): object; dense(options: object): object };
  readonly train: { adam(learningRate: number, beta1: number, beta2: number, epsilon: number): { applyGradients(gradients: Record<string, Tensor>): void } };
  readonly losses: { softmaxCrossEntropy(labels: Tensor, logits: Tensor): Tensor };
  tensor(data: Float32Array | Int32Array, sizes: readonly number[], type?: "float32" | "int32"): Tensor;
  scalar(value: number): Tensor;
  oneHot(indices: Tensor, depth: number): Tensor;
  softmax(logits: Tensor): Tensor;
  addN(tensors: readonly Tensor[]): Tensor;
  variableGrads(loss: () => Tensor, variables: readonly object[]): { value: Tensor; grads: Record<string, Tensor> };
  tidy<Result>(work: () => Result): Result;
}

const tf = requirePeer<TensorFlow>("@tensorflow/tfjs");
requirePeer("@tensorflow/tfjs-backend-wasm");
await tf.setBackend("wasm");
await tf.ready();

await serve(async (job) => {
  if (job.shape.layers > 1 || job.shape.bidirectional || job.shape.ragged) throw new Error("this worker runs one plain layer");
  const tensors = readTensors(job.model);
  const model = layersModel(job, tensors);
  const work = job.operation === "inference" ? inference(job, model) : training(job, model, tensors);
  return { ...work, dispose: () => model.dispose() };
});

function layersModel({ shape, classes }: Job, tensors: ReadonlyMap<string, StoredTensor>): LayersModel {
  const model = tf.sequential();
  // Keras' recurrent activation was a piecewise linear sigmoid, which is still the default here.
  model.add(tf.layers.lstm({ units: shape.units, inputShape: [shape.steps, shape.features], recurrentActivation: "sigmoid" }));
  model.add(tf.layers.dense({ units: classes }));
  tf.tidy(() => {
    const get = (name: string) => {
      const tensor = tensors.get(name);
      if (!tensor) throw new Error(`the model's file has no ${name}`);
      return tf.tensor(tensor.data, tensor.shape);
    };
    // [inputs, 4·units] with PyTorch's order of gates, and one bias where PyTorch has two.
    model.setWeights([
      get("layers.0.weight_ih_l0").transpose(),
      get("layers.0.weight_hh_l0").transpose(),
      get("layers.0.bias_ih_l0").add(get("layers.0.bias_hh_l0")),
      get("output.weight").transpose(),
      get("output.bias"),
    ]);
  });
  return model;
}

function inference({ shape, data: files }: Job, model: LayersModel): Work {
  const { batch, steps, features } = shape;
  const x = tf.tensor(readData(files).x.subarray(0, batch * steps * features), [batch, steps, features]);
  const run = () => tf.tidy(() => tf.softmax(model.predict(x)).dataSync());
  return {
    check: () => ({ probabilities: run() }),
    run(count) {
      for (let done = 0; done < count; done++) run();
    },
  };
}

/** Loss, gradients, clipping, Adam. Its `check` gives loss and gradients: the one bias makes its steps others than PyTorch's. */
function training({ shape, classes, data: files }: Job, model: LayersModel, tensors: ReadonlyMap<string, StoredTensor>): Work {
  const { batch, steps, features } = shape;
  const data = readData(files);
  const batches = Array.from({ length: files.batches }, (_, index) => {
    const size = batch * steps * features;
    const targets = Int32Array.from(data.targets.subarray(index * batch, (index + 1) * batch));
    return {
      x: tf.tensor(data.x.subarray(index * size, (index + 1) * size), [batch, steps, features]),
      labels: tf.oneHot(tf.tensor(targets, [batch], "int32"), classes),
    };
  });
  const variables = model.trainableWeights.map(({ val }) => val);
  const differentiate = ({ x, labels }: { x: Tensor; labels: Tensor }) =>
    tf.variableGrads(() => tf.losses.softmaxCrossEntropy(labels, model.apply(x, { training: true })), variables);
  const { learningRate, beta1, beta2, epsilon, clipNorm } = TRAINING;
  const adam = tf.train.adam(learningRate, beta1, beta2, epsilon);
  let next = 0;
  const step = () => {
    const batch = batches[next];
    next = (next + 1) % batches.length;
    if (batch) tf.tidy(() => adam.applyGradients(clipped(differentiate(batch).grads, clipNorm)));
  };
  return {
    check: () => tf.tidy(() => gradientsByName(batches[0] && differentiate(batches[0]), variables, tensors)),
    run(count) {
      for (let done = 0; done < count; done++) step();
    },
  };
}

function clipped(gradients: Record<string, Tensor>, limit: number): Record<string, Tensor> {
  const norm = tf.addN(Object.values(gradients).map((gradient) => gradient.square().sum())).sqrt();
  const factor = tf.scalar(limit).div(norm.add(tf.scalar(1e-6))).minimum(tf.scalar(1));
  return Object.fromEntries(Object.entries(gradients).map(([name, gradient]) => [name, gradient.mul(factor)]));
}

/** By PyTorch's names and in its layout; the gradient of both its biases is that of their sum. */
function gradientsByName(
  differentiated: ReturnType<TensorFlow["variableGrads"]> | undefined,
  variables: readonly { readonly name: string }[],
  tensors: ReadonlyMap<string, StoredTensor>,
): Results {
  if (!differentiated) throw new Error("there is no batch");
  const [kernel, recurrent, bias, weight, outputBias] = variables.map(({ name }) => differentiated.grads[name]);
  if (!kernel || !recurrent || !bias || !weight || !outputBias) throw new Error("a variable has no gradient");
  const byName: Record<string, Float32Array> = {
    "layers.0.weight_ih_l0": kernel.transpose().dataSync(),
    "layers.0.weight_hh_l0": recurrent.transpose().dataSync(),
    "layers.0.bias_ih_l0": bias.dataSync(),
    "layers.0.bias_hh_l0": bias.dataSync(),
    "output.weight": weight.transpose().dataSync(),
    "output.bias": outputBias.dataSync(),
  };
  for (const name of tensors.keys()) if (!byName[name]) throw new Error(`there is no gradient of ${name}`);
  return { loss: differentiated.value.dataSync(), ...byName };
}
