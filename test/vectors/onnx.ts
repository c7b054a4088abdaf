// ONNX's backend test vectors (onnx/README.md says where they come from) through `gatewise/layers`: its layouts, gate orders
// and names turned into PyTorch's. https://onnx.ai/onnx/operators/onnx__LSTM.html, onnx__GRU.html, onnx__RNN.html

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { type BackendInfo, type LayerBatch, type LayerDefinition, type MachineOptions, createLayer } from "gatewise/layers";

import { type Measured, errorOf } from "./measure.js";
import { type Numbers, readSafetensors } from "./safetensors.js";

const FOLDER = fileURLToPath(new URL("onnx/", import.meta.url));

/** Both are f32 results of a few steps; ONNX itself allows 1e-3. */
export const BOUND = 2e-6;

/** The names of all cases. */
export function onnxNames(): string[] {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith(".safetensors"));
  return files.map((file) => file.replace(".safetensors", "")).toSorted();
}

/** Where each of our gates stands among ONNX's: an LSTM's i, f, g, o among i, o, f, c; a GRU's r, z, n among z, r, h. */
const GATES = { LSTM: [0, 2, 3, 1], GRU: [1, 0, 2], RNN: [0] } as const;
/** Where each of our peepholes, i, f, o, stands among ONNX's i, o, f. */
const PEEPHOLES = [0, 2, 1] as const;
const CELLS = { LSTM: "lstm", GRU: "gru", RNN: "rnn" } as const;

type Operator = keyof typeof CELLS;

interface Attributes {
  readonly hidden_size: number;
  readonly direction?: "forward" | "reverse" | "bidirectional";
  readonly layout?: 0 | 1;
  readonly linear_before_reset?: 0 | 1;
}

const KNOWN = new Set(["hidden_size", "direction", "layout", "linear_before_reset"]);

/** A case as we take it. */
export class OnnxCase {
  readonly name: string;
  readonly definition: LayerDefinition;
  readonly #operator: Operator;
  readonly #attributes: Attributes;
  readonly #tensors: ReadonlyMap<string, Numbers>;

  constructor(name: string) {
    const { metadata, tensors } = readSafetensors(join(FOLDER, `${name}.safetensors`));
    this.name = name;
    this.#operator = metadata["operator"] as Operator;
    this.#attributes = JSON.parse(metadata["attributes"] ?? "") as Attributes;
    this.#tensors = tensors;
    const unknown = Object.keys(this.#attributes).filter((attribute) => !KNOWN.has(attribute));
    if (unknown.length > 0) throw new Error(`${name} has ${unknown.join(", ")}, which is not translated`);
    this.definition = this.#definition();
  }

  /** Whether only the reverse direction is asked for: the second one of a bidirectional layer. */
  get #reverse(): boolean {
    return this.#attributes.direction === "reverse";
  }

  #definition(): LayerDefinition {
    const { hidden_size: units, direction = "forward", linear_before_reset: after = 0 } = this.#attributes;
    const options = {
      bidirectional: direction !== "forward",
      bias: this.#tensors.has("B"),
      ...(this.#operator === "GRU" && after === 0 ? { reset: "before" as const } : {}),
      ...(this.#tensors.has("P") ? { peepholes: true } : {}),
    };
    return { cell: CELLS[this.#operator], units, ...options };
  }

  /** Runs the case; gives how far each of its outputs is off, and what it ran on. */
  async measure(options: MachineOptions): Promise<{ readonly measured: Measured[]; readonly backend: BackendInfo }> {
    const { shape, x } = this.#input();
    using layer = await createLayer(this.definition, { inputs: shape[2], ...options });
    layer.setParameters(this.#parameters());
    const lengths = this.#tensors.get("sequence_lens")?.data;
    const states = layer.forward({
      x,
      shape,
      lengths: lengths && [...lengths],
      initialHidden: this.#states("initial_h"),
      initialCell: this.#states("initial_c"),
    });
    const width = this.#reverse ? layer.outputs / 2 : layer.outputs;
    const outputs = {
      Y: this.#reverse ? states.hidden.filter((_, index) => index % layer.outputs >= width) : states.hidden,
      Y_h: this.#reverse ? states.finalHidden.slice(states.finalHidden.length / 2) : states.finalHidden,
      Y_c: this.#reverse ? states.finalCell?.slice(states.finalCell.length / 2) : states.finalCell,
    };
    const measured = Object.entries(outputs).flatMap(([tensor, actual]) => {
      const expected = tensor === "Y" ? this.#hidden() : this.#states(tensor);
      return expected ? [{ tensor, error: actual ? errorOf(actual, Float64Array.from(expected)) : Infinity }] : [];
    });
    return { measured, backend: layer.backend };
  }

  /** Each case's outputs, so that a test knows that none was passed over. */
  get outputs(): string[] {
    return [...this.#tensors.keys()].filter((name) => name.startsWith("Y")).toSorted();
  }

  /** [n, steps, inputs], as layout 1 has it; layout 0 has the steps first. */
  #input(): { readonly x: Float32Array; readonly shape: LayerBatch["shape"] } {
    const tensor = this.#get("X");
    const { shape, data } = this.#attributes.layout === 1 ? tensor : permuted(tensor, [1, 0, 2]);
    const [n = 0, steps = 0, inputs = 0] = shape;
    return { x: Float32Array.from(data), shape: [n, steps, inputs] };
  }

  /** Y as [n, steps, D·H]: layout 0 has [steps, D, n, H], layout 1 has [n, steps, D, H]. */
  #hidden(): Float32Array | undefined {
    const tensor = this.#tensors.get("Y");
    return tensor && Float32Array.from((this.#attributes.layout === 1 ? tensor : permuted(tensor, [2, 0, 1, 3])).data);
  }

  /** States as [D, n, H], which layout 0 has; layout 1 has [n, D, H]. */
  #states(name: string): Float32Array | undefined {
    const tensor = this.#tensors.get(name);
    return tensor && Float32Array.from((this.#attributes.layout === 1 ? permuted(tensor, [1, 0, 2]) : tensor).data);
  }

  #get(name: string): Numbers {
    const tensor = this.#tensors.get(name);
    if (!tensor) throw new Error(`${this.name} has no ${name}`);
    return tensor;
  }

  #parameters(): Record<string, Float32Array> {
    const gates = GATES[this.#operator];
    const parameters: Record<string, Float32Array> = {};
    // Both directions of a layer of which only the reverse one is looked at have the same.
    for (const [direction, suffix] of [[0, "_l0"], [this.#reverse ? 0 : 1, "_l0_reverse"]] as const) {
      if (suffix !== "_l0" && this.definition.bidirectional !== true) continue;
      const of = (name: string): Float32Array => {
        const { shape, data } = this.#get(name);
        const length = data.length / (shape[0] ?? 0);
        return Float32Array.from(data.subarray(direction * length, (direction + 1) * length));
      };
      parameters[`weight_ih${suffix}`] = blocks(of("W"), gates);
      parameters[`weight_hh${suffix}`] = blocks(of("R"), gates);
      if (this.#tensors.has("P")) parameters[`weight_peephole${suffix}`] = blocks(of("P"), PEEPHOLES);
      if (!this.#tensors.has("B")) continue;
      // The input's and the recurrence's, one after the other.
      const biases = of("B");
      parameters[`bias_ih${suffix}`] = blocks(biases.subarray(0, biases.length / 2), gates);
      parameters[`bias_hh${suffix}`] = blocks(biases.subarray(biases.length / 2), gates);
    }
    return parameters;
  }
}

/** As many equal blocks as `order` has places, in that order. */
function blocks(values: Float32Array, order: readonly number[]): Float32Array {
  const length = values.length / order.length;
  return Float32Array.from(order.flatMap((block) => [...values.subarray(block * length, (block + 1) * length)]));
}

/** The tensor with its axes in another order: axis `k` of the result is axis `axes[k]` of the tensor. */
function permuted({ shape, data }: Numbers, axes: readonly number[]): Numbers {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const turned = axes.map((axis) => shape[axis] ?? 0);
  const out = new Float64Array(data.length);
  for (let index = 0; index < out.length; index++) {
    let [rest, from] = [index, 0];
    for (let k = axes.length - 1; k >= 0; k--) {
      const size = turned[k] ?? 1;
      from += (rest % size) * (strides[axes[k] ?? 0] ?? 0);
      rest = Math.floor(rest / size);
    }
    out[index] = data[from] ?? Number.NaN;
  }
  return { shape: turned, data: out };
}
