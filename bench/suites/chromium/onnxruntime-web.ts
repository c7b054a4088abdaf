// A session of onnxruntime-web over the model file that the suite serves, on one thread.

import type { Shape } from "../../shapes.js";

/** What is used of `ort`, which the page's script tags load from the peers' folder. */
interface OrtTensor {
  readonly data: Float32Array;
}
interface OrtSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
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
  static async open({ batch, steps, features, units }: Shape, x: Float32Array): Promise<OnnxSession> {
    ort.env.wasm.wasmPaths = "/peers/onnxruntime-web/dist/";
    ort.env.wasm.numThreads = 1;
    const file = await (await fetch(`/models/${features}-${units}.onnx`)).arrayBuffer();
    const session = await ort.InferenceSession.create(new Uint8Array(file), { executionProviders: ["wasm"] });
    const [input = ""] = session.inputNames;
    return new OnnxSession(session, { [input]: new ort.Tensor("float32", x, [batch, steps, features]) });
  }

  /** [batch, classes] probabilities */
  async predict(): Promise<Float32Array> {
    const outputs = await this.#session.run(this.#inputs);
    const [name = ""] = this.#session.outputNames;
    const { data = new Float32Array() } = outputs[name] ?? {};
    return data;
  }

  dispose(): void {
    void this.#session.release();
  }
}
