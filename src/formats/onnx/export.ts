// A model as an ONNX file: the graph from inputs to outputs, and what else the file tells of the model.

import { GatewiseError } from "../../errors.js";
import type { Model } from "../../model/model.js";
import type { Output } from "../../model/outputs.js";
import { VERSION } from "../../version.js";
import { Graph } from "./graph.js";
import { head } from "./head.js";
import { batchOf, declareArrays, firstReads } from "./input.js";
import { recurrentLayer } from "./layer.js";
import type { Definition } from "./place.js";
import { type GraphProto, type ModelProto, openEncoder } from "./proto.js";
import { readout } from "./readout.js";
import { declareFinalStates, initialStates } from "./states.js";
import { Weights } from "./weights.js";

/** The operators' version, of 2022: the first with all that is written here. Runtimes read older versions than their own. */
const OPSET = 17;
/** The version of the file's form that came with it. */
const IR_VERSION = 8;
/** Protobuf's messages have fewer bytes than this. */
const MOST_BYTES = 2 ** 31;

/** What {@link exportOnnx} may be told. */
export interface OnnxOptions {
  /** Whether the file has an input `lengths`. Without one, all sequences are as long as their array. True unless given. */
  readonly lengths?: boolean | undefined;
  /** Whether the states that sequences begin from are inputs, and those that they end with outputs. False unless given. */
  readonly states?: boolean | undefined;
}

/**
 * The model as an ONNX file, which ONNX Runtime and others run, in any language: what {@link Model.run} predicts.
 *
 * The file has the inputs that the model reads, `x` [n, steps, features], `tokens` [n, steps] and `statics` [n, statics], and
 * `lengths` [n]: numbers are float32, tokens and lengths int64; n and the steps may be any. Its one output is `probabilities`
 * [n, classes or labels] or `values` [n, steps ahead, values, quantiles]; where there is an output for each step [n, steps, …],
 * zero in the padding.
 *
 * With `states: true`, for streams and servers, there are the inputs `layers.0.initial_hidden` [directions, n, units], of an LSTM
 * `layers.0.initial_cell`, …, and the outputs `layers.0.final_hidden`, …: begin from zeros, and feed to each call what the last one
 * gave. Where states come from statics there is the input `begins` [n] too, bool: where it is true, the sequence begins from those.
 *
 * Layers are ONNX's own LSTM, GRU and RNN where these have the equations; projections, layer normalisation, clipped cell states and
 * zoneout are written out as a loop (Scan). The metadata have the definition (`gatewise.definition`), the fitted pipeline
 * (`gatewise.preprocessing`), and the names of `gatewise.classes` or `gatewise.labels`, each as JSON. Opset 17. The same model
 * gives the same bytes.
 *
 * @param model stays as it is; while `fit` runs, its last committed weights are taken
 * @param options what is input and output
 * @returns the file
 * @throws {GatewiseError} `model_disposed`; `invalid_option`; `missing_package` where `onnx-proto` is not installed; `not_expressible`
 * if the file would have 2 GB or more, which Protocol Buffers cannot say
 *
 * @example
 * ```ts
 * import { InferenceSession, Tensor } from "onnxruntime-node";
 * const session = await InferenceSession.create(await exportOnnx(model));
 * const x = new Tensor("float32", new Float32Array(2 * 24 * 5), [2, 24, 5]);
 * const lengths = new Tensor("int64", BigInt64Array.of(24n, 17n));
 * const { probabilities } = await session.run({ x, lengths });
 * ```
 */
export async function exportOnnx<Out extends Output>(
  model: Pick<Model<Out>, "definition" | "preprocessing" | "parameters">,
  options: OnnxOptions = {},
): Promise<Uint8Array> {
  const { lengths = true, states = false } = checked(options);
  const encode = await openEncoder();
  const definition = model.definition as Definition;
  const graph = buildGraph(definition, new Weights(model.parameters()), lengths, states);
  assertSize(graph);
  return encode(modelProto(graph, definition, model.preprocessing));
}

function checked(options: OnnxOptions): OnnxOptions {
  for (const [name, value] of Object.entries(options)) {
    if (name !== "lengths" && name !== "states") {
      throw new GatewiseError("invalid_option", `options.${name}`, `there is no option ${name}: there are lengths and states`);
    }
    if (value !== undefined && typeof value !== "boolean") {
      throw new GatewiseError("invalid_option", `options.${name}`, `${name} must be true or false, not ${String(value)}`);
    }
  }
  return options;
}

function buildGraph(definition: Definition, weights: Weights, withLengths: boolean, withStates: boolean): GraphProto {
  const graph = Graph.empty();
  const arrays = declareArrays(graph, definition, withLengths);
  const initial = initialStates(graph, weights, definition, arrays, withStates);
  const batch = batchOf(graph, arrays);
  let reads = firstReads(graph, weights, definition, arrays, batch);
  const outputs = definition.layers.map((layer, index) => {
    const place = { graph, weights, batch, index, layer, initial: initial?.[index] };
    const output = graph.within(`layers.${index}.`, () => recurrentLayer(place, reads));
    reads = output.steps;
    return output;
  });
  head(graph, weights, definition, batch, readout(graph, weights, definition.output.at ?? "last", batch, outputs));
  if (withStates) declareFinalStates(graph, definition, outputs.map(({ final }) => final));
  const cells = definition.layers.map(({ cell, units }) => `${cell} ${units}`).join(", ");
  return graph.build("gatewise", `A recurrent network, ${cells}: see the metadata for its definition.`);
}

function modelProto(graph: GraphProto, definition: Definition, preprocessing: object | undefined): ModelProto {
  const { classes, labels } = definition.output;
  const metadata = { definition, preprocessing, classes, labels };
  const props = Object.entries(metadata).filter(([, value]) => value !== undefined);
  return {
    irVersion: IR_VERSION,
    opsetImport: [{ domain: "", version: OPSET }],
    producerName: "gatewise",
    producerVersion: VERSION,
    graph,
    metadataProps: props.map(([name, value]) => ({ key: `gatewise.${name}`, value: JSON.stringify(value) })),
  };
}

/**
 * Throws if the tensors alone leave no place in a file.
 *
 * @internal
 */
export function assertSize({ initializer }: Pick<GraphProto, "initializer">): void {
  const bytes = initializer.reduce((total, { rawData }) => total + rawData.byteLength, 0);
  // What is not tensors has some kilobytes, or some megabytes with thousands of categories.
  if (bytes < MOST_BYTES - 2 ** 26) return;
  const message = `the model has ${bytes} bytes of weights, an ONNX file at most ${MOST_BYTES}: use fewer units, or fewer tokens`;
  throw new GatewiseError("not_expressible", "model", message);
}
