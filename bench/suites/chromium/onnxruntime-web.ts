// A session of onnxruntime-web over the model file that the suite serves, on one thread.

import { type Shape, nameOf } from "../../shapes.js";

/** What is used of `ort`, which the page's script tags load from the peers' folder. */
interface OrtTensor {
  readonly data: Float32Array;
}
interface OrtSession {
  run(inputs: Record<string, OrtTensor>): Promise<Record<string, OrtTensor>>;
  release(): Promise<void>;
}
interface Ort {
  readonly env: { readonly wasm: { wasmPaths: string; numThreads: number } };
  readonly InferenceSession: { create(model: Uint8Array, options: { executionProviders: ["wasm"] }): Promise<OrtSession> };
  readonly Tensor: new (type: "float32", data: Float32Array, shape: readonly number[]) => OrtTensor;
}
declare const ort: Ort;

/** A model that is loaded, and the batch that it predicts. */
export class OnnxSession {
  readonly #session: OrtSession;
  readonly #inputs: Record<string, OrtTensor>;

  private constructor(session: OrtSession, inputs: Record<string, OrtTensor>) {
    this.#session = session;
    this.#inputs = inputs;
  }

  /** @param x [batch, steps, features] */
  static async open(shape: Shape, x: Float32Array): Promise<OnnxSession> {
    ort.env.wasm.wasmPaths = "/peers/onnxruntime-web/dist/";
    ort.env.wasm.numThreads = 1;
    const file = await (await fetch(`/models/${nameOf(shape)}.onnx`)).arrayBuffer();
    const session = await ort.InferenceSession.create(new Uint8Array(file), { executionProviders: ["wasm"] });
    const sizes = [shape.steps, shape.batch, shape.features];
    return new OnnxSession(session, { x: new ort.Tensor("float32", timeMajor(shape, x), sizes) });
  }

  /** [batch, classes] probabilities */
  async predict(): Promise<Float32Array> {
    const { probabilities } = await this.#session.run(this.#inputs);
    return probabilities?.data ?? new Float32Array();
  }

  dispose(): void {
    void this.#session.release();
  }
}

/** [batch, steps, features] as [steps, batch, features], ONNX's order. */
function timeMajor({ batch, steps, features }: Shape, x: Float32Array): Float32Array {
  const rows = Array.from({ length: batch * steps }, (_, row) => {
    const from = ((row % batch) * steps + Math.floor(row / batch)) * features;
    return x.subarray(from, from + features);
  });
  const ordered = new Float32Array(x.length);
  for (const [row, numbers] of rows.entries()) ordered.set(numbers, row * features);
  return ordered;
}
