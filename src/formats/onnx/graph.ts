// A graph of ONNX's operators while it is being built: unique names, constants that are there once, bodies of loops that see
// what is around them. What nothing reads in the end is left out. Knows no model.
// https://onnx.ai/onnx/operators/, opset 17

import { ATTRIBUTE, ELEMENT, type AttributeProto, type Element, type GraphProto, type TensorProto, type ValueInfoProto } from "./proto.js";

/** What a node gives or reads, by its name. */
export type Value = string;

/** A number is one of ONNX's integers unless it says that it is a float; a `Float32Array` is a list of floats. */
export type Attribute = number | { readonly float: number } | string | readonly number[] | readonly string[] | Float32Array | Graph;
export type Attributes = Readonly<Record<string, Attribute>>;

/** A tensor's type: a size is a number, or a name for one that is known when the model runs. */
export interface TensorType {
  readonly element: Element;
  readonly shape: readonly (number | string)[];
}

interface Node {
  readonly name: string;
  readonly type: string;
  inputs: Value[];
  outputs: Value[];
  readonly attributes: Attributes;
}

/** What a graph and the bodies of its loops share. */
interface Shared {
  readonly names: Map<string, number>;
  /** Those of the bodies too, which see what is around them. */
  readonly tensors: Map<string, TensorProto>;
}

export class Graph {
  readonly #shared: Shared;
  readonly #nodes: Node[] = [];
  readonly #inputs: ValueInfoProto[] = [];
  readonly #outputs: ValueInfoProto[] = [];
  /** What names begin with that are given from now on. */
  #prefix = "";

  private constructor(shared: Shared) {
    this.#shared = shared;
  }

  static empty(): Graph {
    return new Graph({ names: new Map(), tensors: new Map() });
  }

  /** The body of a loop, which may read every value that is there already. */
  body(): Graph {
    const body = new Graph(this.#shared);
    body.#prefix = `${this.#prefix}step.`;
    return body;
  }

  /** Calls `build`, in which names begin with `prefix`, as parameters' do: `"layers.0."`. */
  within<T>(prefix: string, build: () => T): T {
    const before = this.#prefix;
    this.#prefix = before + prefix;
    try {
      return build();
    } finally {
      this.#prefix = before;
    }
  }

  input(name: string, type: TensorType, description?: string): Value {
    const unique = this.#exactly(this.#prefix + name);
    this.#inputs.push(valueInfo(unique, type, description));
    return unique;
  }

  /** Makes `value`, which a node of this graph gives, an output by this name. */
  output(value: Value, name: string, type: TensorType, description?: string): void {
    const unique = this.#exactly(this.#prefix + name);
    const renamed = (names: readonly Value[]) => names.map((other) => (other === value ? unique : other));
    for (const node of this.#nodes) {
      node.inputs = renamed(node.inputs);
      node.outputs = renamed(node.outputs);
    }
    this.#outputs.push(valueInfo(unique, type, description));
  }

  /** A tensor of the model, by the name that it has there; one that is there already is taken. */
  tensor(name: string, shape: readonly number[], data: Float32Array): Value {
    return this.#constant(name, "float", shape, data);
  }

  /** The float as a scalar. */
  float(number: number): Value {
    return this.#constant(`float ${number}`, "float", [], Float32Array.of(number));
  }

  /** The integer as a scalar. */
  int(number: number): Value {
    return this.#constant(`int ${number}`, "int64", [], BigInt64Array.of(BigInt(number)));
  }

  /** The integers as a list. */
  ints(...numbers: readonly number[]): Value {
    return this.#constant(`ints ${numbers.join(" ")}`, "int64", [numbers.length], BigInt64Array.from(numbers, BigInt));
  }

  /**
   * A node with one output, which has the node's name. An input that is undefined is not given.
   *
   * @param name the operator's unless given
   */
  op(type: string, inputs: readonly (Value | undefined)[], attributes: Attributes = {}, name = type.toLowerCase()): Value {
    return this.ops(type, inputs, [name], attributes)[0] as Value;
  }

  /** A node with an output for each of these names; the first of them is the node's. */
  ops(type: string, inputs: readonly (Value | undefined)[], names: readonly string[], attributes: Attributes = {}): Value[] {
    const outputs = names.map((name) => this.#unique(this.#prefix + name));
    const given = inputs.slice(0, inputs.findLastIndex((input) => input !== undefined) + 1);
    this.#nodes.push({ name: outputs[0] ?? type, type, inputs: given.map((input) => input ?? ""), outputs, attributes });
    return outputs;
  }

  /** The whole graph, with the tensors that it and its bodies read. */
  build(name: string, description: string): GraphProto {
    const needed = new Set(this.#outputs.map((output) => output.name));
    const nodes = this.#needed(needed);
    const initializer = [...this.#shared.tensors.values()].filter((tensor) => needed.has(tensor.name));
    return { docString: description, ...this.#proto(name, nodes), initializer };
  }

  #proto(name: string, nodes: readonly Node[]): GraphProto {
    const node = nodes.map(({ name, type, inputs, outputs, attributes }) => {
      const attribute = Object.entries(attributes).map(([name, value]) => attributeProto(name, value));
      return { name, opType: type, input: inputs, output: outputs, attribute };
    });
    return { name, node, initializer: [], input: this.#inputs, output: this.#outputs };
  }

  /** The nodes that the values in `needed` depend on, in their order; adds all that they read to `needed`. */
  #needed(needed: Set<Value>): Node[] {
    return this.#nodes.toReversed().filter((node) => {
      if (!node.outputs.some((output) => needed.has(output))) return false;
      for (const input of Graph.#readBy(node)) needed.add(input);
      return true;
    }).toReversed();
  }

  /** What a node reads; of a loop, what its body reads too. */
  static #readBy({ inputs, attributes }: Node): Value[] {
    const bodies = Object.values(attributes).filter((value) => value instanceof Graph);
    return [...inputs, ...bodies.flatMap((body) => body.#nodes.flatMap((node) => Graph.#readBy(node)))];
  }

  /** A loop's body as its attribute has it. */
  static bodyProto(body: Graph, name: string): GraphProto {
    return body.#proto(name, body.#nodes);
  }

  #constant(name: string, element: Element, shape: readonly number[], data: Float32Array | BigInt64Array): Value {
    if (!this.#shared.tensors.has(name)) {
      const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      this.#shared.tensors.set(name, { name, dims: shape, dataType: ELEMENT[element], rawData });
    }
    return name;
  }

  /** A name that others know, which is not to be changed. */
  #exactly(name: string): string {
    if (this.#unique(name) !== name) throw new TypeError(`two values would have the name ${name}`);
    return name;
  }

  #unique(name: string): string {
    const times = (this.#shared.names.get(name) ?? 0) + 1;
    this.#shared.names.set(name, times);
    return times === 1 ? name : `${name} ${times}`;
  }
}

function attributeProto(name: string, value: Attribute): AttributeProto {
  if (value instanceof Graph) return { name, type: ATTRIBUTE.graph, g: Graph.bodyProto(value, name) };
  if (value instanceof Float32Array) return { name, type: ATTRIBUTE.floats, floats: [...value] };
  if (typeof value === "number") return { name, type: ATTRIBUTE.int, i: value };
  if (typeof value === "string") return { name, type: ATTRIBUTE.string, s: utf8(value) };
  if (isTextList(value)) return { name, type: ATTRIBUTE.strings, strings: value.map(utf8) };
  if (isList(value)) return { name, type: ATTRIBUTE.ints, ints: value };
  return { name, type: ATTRIBUTE.float, f: value.float };
}

function isTextList(value: Attribute): value is readonly string[] {
  return Array.isArray(value) && typeof value[0] === "string";
}

function isList(value: { readonly float: number } | readonly number[]): value is readonly number[] {
  return Array.isArray(value);
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function valueInfo(name: string, { element, shape }: TensorType, description?: string): ValueInfoProto {
  const dim = shape.map((size) => (typeof size === "number" ? { dimValue: size } : { dimParam: size }));
  const type = { tensorType: { elemType: ELEMENT[element], shape: { dim } } };
  return description === undefined ? { name, type } : { name, docString: description, type };
}
