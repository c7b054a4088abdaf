// A tfjs model of one LSTM layer and a linear head with the weights of a Gatewise model, on tfjs' WASM backend.

import type { Model } from "gatewise";

import { CLASSES, type Shape } from "../../shapes.js";

/** What is used of `tf`, which the page's script tags load from the peers' folder. */
interface Tensor {
  readonly shape: number[];
  dataSync(): Float32Array;
  dispose(): void;
  mul(other: Tensor | number): Tensor;
  square(): Tensor;
  sum(): Tensor;
}
interface Layer {
  setWeights(weights: Tensor[]): void;
  getWeights(): Tensor[];
}
interface LayersModel {
  readonly trainableWeights: readonly { readonly val: Tensor }[];
  apply(x: Tensor, options: { training: boolean }): Tensor;
  dispose(): void;
}
interface Optimizer {
  applyGradients(gradients: Record<string, Tensor>): void;
  dispose(): void;
}
interface Tfjs {
  setBackend(name: "wasm"): Promise<boolean>;
  readonly wasm: { setWasmPaths(folder: string): void; setThreadsCount(threads: number): void };
  readonly layers: { lstm(options: object): Layer; dense(options: object): Layer };
  readonly losses: { softmaxCrossEntropy(labels: Tensor, logits: Tensor): Tensor };
  readonly train: { adam(rate: number, beta1: number, beta2: number, epsilon: number): Optimizer };
  sequential(options: { layers: Layer[] }): LayersModel;
  tensor(values: Float32Array, shape: number[]): Tensor;
  transpose(x: Tensor): Tensor;
  add(a: Tensor, b: Tensor): Tensor;
  addN(all: Tensor[]): Tensor;
  softmax(logits: Tensor): Tensor;
  tidy<T>(run: () => T): T;
  variableGrads(loss: () => Tensor, variables: Tensor[]): { value: Tensor; grads: Record<string, Tensor> };
}
declare const tf: Tfjs;

/** One thread, and no other backend than WASM. */
export async function openTfjs(): Promise<void> {
  tf.wasm.setWasmPaths("/peers/@tensorflow/tfjs-backend-wasm/dist/");
  tf.wasm.setThreadsCount(1);
  if (!(await tf.setBackend("wasm"))) throw new Error("tfjs has no WASM backend here");
}

/** How both sides train. */
export interface Training {
  readonly learningRate: number;
  readonly epsilon: number;
  readonly clipNorm: number;
}

/** What both sides predict and train on. */
export interface Batch {
  /** [batch, steps, features] */
  readonly x: Float32Array;
  /** [batch, classes] one-hot */
  readonly labels: Float32Array;
}

/** The same network in tfjs. */
export class TfjsModel {
  readonly #model: LayersModel;
  readonly #layers: readonly [lstm: Layer, head: Layer];
  readonly #optimizer: Optimizer;
  readonly #clipNorm: number;
  readonly #x: Tensor;
  readonly #labels: Tensor;

  constructor(model: Model, { batch, steps, features, units }: Shape, { x, labels }: Batch, training: Training) {
    const lstm = tf.layers.lstm({
      units,
      inputShape: [steps, features],
      recurrentActivation: "sigmoid",
      recurrentInitializer: "zeros", // replaced below; orthogonal ones, the default, take seconds
    });
    const head = tf.layers.dense({ units: CLASSES });
    this.#layers = [lstm, head];
    this.#model = tf.sequential({ layers: [lstm, head] });
    tf.tidy(() => {
      const parameters = model.parameters();
      const tensor = (name: string) => {
        const parameter = parameters[name];
        if (!parameter) throw new Error(`the model has no ${name}`);
        return tf.tensor(parameter.data, [...parameter.shape]);
      };
      // Keras' gates are in PyTorch's order; its matrices are transposed, its biases one.
      const matrix = (name: string) => tf.transpose(tensor(name));
      const bias = tf.add(tensor("layers.0.bias_ih_l0"), tensor("layers.0.bias_hh_l0"));
      lstm.setWeights([matrix("layers.0.weight_ih_l0"), matrix("layers.0.weight_hh_l0"), bias]);
      head.setWeights([matrix("output.weight"), tensor("output.bias")]);
    });
    this.#optimizer = tf.train.adam(training.learningRate, 0.9, 0.999, training.epsilon);
    this.#clipNorm = training.clipNorm;
    this.#x = tf.tensor(x, [batch, steps, features]);
    this.#labels = tf.tensor(labels, [batch, CLASSES]);
  }

  /** [batch, classes] probabilities */
  predict(): Float32Array {
    return tf.tidy(() => tf.softmax(this.#model.apply(this.#x, { training: false })).dataSync());
  }

  /** Forward, cross-entropy, backward, clipping by the global norm, Adam. Returns the loss before the step. */
  step(): number {
    return tf.tidy(() => {
      const loss = () => tf.losses.softmaxCrossEntropy(this.#labels, this.#model.apply(this.#x, { training: true }));
      const variables = this.#model.trainableWeights.map((weight) => weight.val);
      const { value, grads } = tf.variableGrads(loss, variables);
      const squares = Object.values(grads).map((gradient) => gradient.square().sum());
      const norm = Math.sqrt(tf.addN(squares).dataSync()[0] ?? Number.NaN);
      const scale = Math.min(1, this.#clipNorm / norm);
      const clipped = Object.entries(grads).map(([name, gradient]) => [name, gradient.mul(scale)] as const);
      this.#optimizer.applyGradients(Object.fromEntries(clipped));
      return value.dataSync()[0] ?? Number.NaN;
    });
  }

  /** Its matrices by Gatewise's names, in its layout. Biases differ after a step: Keras has one where PyTorch has two. */
  matrices(): Record<string, Float32Array> {
    const [lstm, head] = this.#layers.map((layer) => layer.getWeights());
    const named = {
      "layers.0.weight_ih_l0": lstm?.[0],
      "layers.0.weight_hh_l0": lstm?.[1],
      "output.weight": head?.[0],
    };
    const copied = (matrix?: Tensor) => (matrix ? tf.tidy(() => tf.transpose(matrix).dataSync()) : new Float32Array());
    return Object.fromEntries(Object.entries(named).map(([name, matrix]) => [name, copied(matrix)]));
  }

  dispose(): void {
    this.#model.dispose();
    this.#optimizer.dispose();
    this.#x.dispose();
    this.#labels.dispose();
  }
}
