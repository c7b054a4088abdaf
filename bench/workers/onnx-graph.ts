// Our model as an ONNX graph: an LSTM node for each layer, a Gemm, a softmax. Field numbers are those of onnx.proto3,
// https://github.com/onnx/onnx/blob/v1.20.0/onnx/onnx.proto3

import type { Shape } from "../shapes.js";
import type { Tensor } from "./files.js";
import { type Field, bytes, integer, message } from "./protobuf.js";

const [FLOAT, INT32, INT64] = [1, 6, 7];

/** Versions that every ONNX Runtime of the last years reads. */
const [IR_VERSION, OPSET] = [8, 17];

/** ONNX orders gates input, output, forget, cell; these are their places in PyTorch's order. */
const GATES = [0, 3, 1, 2] as const;

export interface GraphOptions {
  readonly shape: Shape;
  readonly classes: number;
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** One layer whose states come in as `h` and `c` and go out as `h_next` and `c_next`, for streams. */
  readonly states: boolean;
}

/**
 * A graph from `x` [steps, batch, features], and `lengths` [batch] (int32) where sequences are ragged, to `probabilities`
 * [batch, classes].
 */
export function onnxModel(options: GraphOptions): Uint8Array {
  const graph = new Graph();
  const { shape, classes, states } = options;
  const directions = shape.bidirectional ? 2 : 1;
  const inputs = [value("x", FLOAT, [shape.steps, shape.batch, shape.features])];
  if (shape.ragged) inputs.push(value("lengths", INT32, [shape.batch]));
  const outputs = [value("probabilities", FLOAT, [shape.batch, classes])];
  if (states) {
    const sizes = [1, shape.batch, shape.units];
    inputs.push(value("h", FLOAT, sizes), value("c", FLOAT, sizes));
    outputs.push(value("h_next", FLOAT, sizes), value("c_next", FLOAT, sizes));
  }

  let x = "x";
  for (let layer = 0; layer < shape.layers; layer++) x = addLayer(graph, options, layer, x);
  // Y_h [directions, batch, units] → [batch, directions · units]
  graph.node("Transpose", ["h_next"], ["h_rows"], [integersAttribute("perm", [1, 0, 2])]);
  graph.integers("flat", [shape.batch, directions * shape.units]);
  graph.node("Reshape", ["h_rows", "flat"], ["last"]);
  graph.tensor("output.weight", [classes, directions * shape.units], [dataOf(options, "output.weight")]);
  graph.tensor("output.bias", [classes], [dataOf(options, "output.bias")]);
  graph.node("Gemm", ["last", "output.weight", "output.bias"], ["logits"], [integerAttribute("transB", 1)]);
  graph.node("Softmax", ["logits"], ["probabilities"], []);
  return message(integer(1, IR_VERSION), bytes(7, graph.encode(inputs, outputs)), bytes(8, message(bytes(1, ""), integer(2, OPSET))));
}

/** Adds the layer's node; gives the name of what it hands to the next layer: [steps, batch, directions · units]. */
function addLayer(graph: Graph, options: GraphOptions, layer: number, x: string): string {
  const { shape, states } = options;
  const { units } = shape;
  const suffixes = shape.bidirectional ? ["", "_reverse"] : [""];
  const inputs = layer === 0 ? shape.features : suffixes.length * units;
  const get = (kind: string, suffix: string) => inOnnxOrder(dataOf(options, `layers.${layer}.${kind}_l0${suffix}`), units);
  const name = (part: string) => `${part}${layer}`;
  graph.tensor(name("W"), [suffixes.length, 4 * units, inputs], suffixes.map((suffix) => get("weight_ih", suffix)));
  graph.tensor(name("R"), [suffixes.length, 4 * units, units], suffixes.map((suffix) => get("weight_hh", suffix)));
  graph.tensor(name("B"), [suffixes.length, 8 * units], suffixes.flatMap((suffix) => [get("bias_ih", suffix), get("bias_hh", suffix)]));

  const last = layer === shape.layers - 1;
  const outputs = last ? ["", "h_next", ...(states ? ["c_next"] : [])] : [name("Y")];
  const more = [shape.ragged ? "lengths" : "", ...(states ? ["h", "c"] : [])];
  const attributes = [integerAttribute("hidden_size", units), textAttribute("direction", shape.bidirectional ? "bidirectional" : "forward")];
  graph.node("LSTM", [x, name("W"), name("R"), name("B"), ...more], outputs, attributes);
  if (last) return "";
  // Y [steps, directions, batch, units]
  graph.node("Transpose", [name("Y")], [name("rows")], [integersAttribute("perm", [0, 2, 1, 3])]);
  graph.integers(name("next"), [shape.steps, shape.batch, suffixes.length * units]);
  graph.node("Reshape", [name("rows"), name("next")], [name("x")]);
  return name("x");
}

function dataOf({ tensors }: GraphOptions, name: string): Float32Array {
  const tensor = tensors.get(name);
  if (!tensor) throw new Error(`the model's file has no ${name}`);
  return tensor.data;
}

/** [4 · units, …] with its four blocks in ONNX's order. */
function inOnnxOrder(data: Float32Array, units: number): Float32Array {
  const block = data.length / 4;
  if (block % units !== 0) throw new Error(`${data.length} numbers are not four blocks of ${units} rows`);
  const ordered = new Float32Array(data.length);
  for (const [place, gate] of GATES.entries()) ordered.set(data.subarray(gate * block, (gate + 1) * block), place * block);
  return ordered;
}

/** Nodes and constants, as they are added. */
class Graph {
  readonly #nodes: Field[] = [];
  readonly #constants: Field[] = [];

  node(kind: string, inputs: readonly string[], outputs: readonly string[], attributes: readonly Field[] = []): void {
    const names = [...inputs.map((name) => bytes(1, name)), ...outputs.map((name) => bytes(2, name))];
    this.#nodes.push(bytes(1, message(names, bytes(4, kind), attributes)));
  }

  /** f32; `parts` one after the other are its numbers. */
  tensor(name: string, sizes: readonly number[], parts: readonly Float32Array[]): void {
    const raw = Buffer.concat(parts.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)));
    this.#constant(name, FLOAT, sizes, raw);
  }

  integers(name: string, values: readonly number[]): void {
    this.#constant(name, INT64, [values.length], new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer));
  }

  encode(inputs: readonly Uint8Array[], outputs: readonly Uint8Array[]): Uint8Array {
    const values = [...inputs.map((value) => bytes(11, value)), ...outputs.map((value) => bytes(12, value))];
    return message(this.#nodes, bytes(2, "classifier"), this.#constants, values);
  }

  #constant(name: string, type: number, sizes: readonly number[], raw: Uint8Array): void {
    this.#constants.push(bytes(5, message(sizes.map((size) => integer(1, size)), integer(2, type), bytes(8, name), bytes(9, raw))));
  }
}

/** A ValueInfoProto: name, type and sizes. */
function value(name: string, type: number, sizes: readonly number[]): Uint8Array {
  const dimensions = sizes.map((size) => bytes(1, message(integer(1, size))));
  return message(bytes(1, name), bytes(2, message(bytes(1, message(integer(1, type), bytes(2, message(dimensions)))))));
}

/** Kinds of AttributeProto. */
const [INT, STRING, INTS] = [2, 3, 7];

function integerAttribute(name: string, value: number): Field {
  return bytes(5, message(bytes(1, name), integer(3, value), integer(20, INT)));
}

function integersAttribute(name: string, values: readonly number[]): Field {
  return bytes(5, message(bytes(1, name), values.map((value) => integer(8, value)), integer(20, INTS)));
}

function textAttribute(name: string, value: string): Field {
  return bytes(5, message(bytes(1, name), bytes(4, value), integer(20, STRING)));
}
