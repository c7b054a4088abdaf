// Layers that one of ONNX's recurrent operators has the equations of: LSTM, GRU and RNN, over time-major steps and both
// directions at once. Their gates lie in another order than PyTorch's and ours, and both biases are one tensor.
// https://onnx.ai/onnx/operators/onnx__LSTM.html, onnx__GRU.html, onnx__RNN.html

import type { Attributes, Value } from "./graph.js";
import { mergedStack } from "./merge.js";
import type { Layer, LayerOutput, LayerPlace } from "./place.js";
import { reordered } from "./weights.js";

/** An operator as it stands for a layer. */
interface Operator {
  readonly type: "LSTM" | "GRU" | "RNN";
  /** Which of our gates stands where the operator has its own; undefined where we have none. */
  readonly gates: readonly (number | undefined)[];
  /** The same of peepholes. */
  readonly peepholes: readonly (number | undefined)[];
  readonly attributes: Attributes;
}

/** Whether an operator has all that the layer's definition says about prediction. */
export function isOperator({ projection, layerNorm, cellClip, zoneout }: Layer): boolean {
  const keeps = (zoneout?.hidden ?? 0) > 0 || (zoneout?.cell ?? 0) > 0;
  return projection === undefined && layerNorm !== true && cellClip === undefined && !keeps;
}

/** x · slope + 1/2 of hard sigmoids; f32, as the core has them. */
const SLOPES = { hard_sigmoid: 1 / 6, hard_sigmoid_fifth: 1 / 5 } as const;

function operatorOf(layer: Layer): Operator {
  if (layer.cell === "lstm") return lstm(layer);
  if (layer.cell === "gru") {
    // r, z, n among z, r, h. `linear_before_reset` says that the reset gate stands after the product.
    const attributes = { linear_before_reset: layer.reset === "before" ? 0 : 1 };
    return { type: "GRU", gates: [1, 0, 2], peepholes: [], attributes };
  }
  const activations = forEach(layer, [layer.activation === "relu" ? "Relu" : "Tanh"]);
  return { type: "RNN", gates: [0], peepholes: [], attributes: { activations } };
}

/** Ours are i, f, g, o, or coupled i, g, o; ONNX's i, o, f, c, of which the weights of f are not read where it is 1 − i. */
function lstm(layer: Layer): Operator {
  const coupled = layer.coupledGates === true;
  const gates = coupled ? [0, 2, undefined, 1] : [0, 3, 1, 2];
  // i, f, o among i, o, f.
  const peepholes = coupled ? [0, 1, undefined] : [0, 2, 1];
  const attributes = { ...(coupled ? { input_forget: 1 } : {}), ...gateActivations(layer) };
  return { type: "LSTM", gates, peepholes, attributes };
}

function gateActivations(layer: Layer): Attributes {
  const { gateActivation = "sigmoid" } = layer;
  if (gateActivation === "sigmoid") return {};
  const [slope] = Float32Array.of(SLOPES[gateActivation]);
  return {
    activations: forEach(layer, ["HardSigmoid", "Tanh", "Tanh"]),
    activation_alpha: Float32Array.from(forEach(layer, [slope ?? 0])),
    activation_beta: Float32Array.from(forEach(layer, [0.5])),
  };
}

/** The list once for each direction. */
function forEach<T>(layer: Layer, list: readonly T[]): T[] {
  return layer.bidirectional === true ? [...list, ...list] : [...list];
}

/** From reads [steps, n, I]. */
export function operatorLayer(place: LayerPlace, reads: Value): LayerOutput {
  const { graph, batch, layer, initial } = place;
  const operator = operatorOf(layer);
  const { type, attributes } = operator;
  const { W, R, B, P } = tensors(place, operator);
  const inputs = [reads, W, R, B, batch.ragged?.lengths32, initial?.hidden];
  const isLstm = type === "LSTM";
  const direction = layer.bidirectional === true ? "bidirectional" : "forward";
  const [steps = "", hidden = "", cell] = graph.ops(
    type,
    isLstm ? [...inputs, initial?.cell, P] : inputs,
    isLstm ? ["lstm", "lstm.hidden", "lstm.cell"] : [layer.cell, `${layer.cell}.hidden`],
    { hidden_size: layer.units, direction, ...attributes },
  );
  return {
    steps: mergedStack(graph, layer, steps, "steps"),
    last: mergedStack(graph, layer, hidden, "last"),
    final: { hidden, cell },
  };
}

/** W [D, G·H, I], R [D, G·H, H], B [D, 2·G·H] and P [D, 3·H]. */
function tensors({ graph, weights, layer, index }: LayerPlace, { gates, peepholes }: Operator): Record<string, Value | undefined> {
  const directions = [0, ...(layer.bidirectional === true ? [1] : [])].map((direction) => weights.direction(index, direction));
  const stack = (name: string, of: readonly string[], order: Operator["gates"], matrix: boolean): Value | undefined => {
    const tensors = directions.flatMap((direction) => of.map((name) => direction.take(name)).filter((tensor) => tensor !== undefined));
    if (tensors.length === 0) return undefined;
    const count = order.filter((block) => block !== undefined).length;
    const data = reordered(tensors, count, order);
    const rows = data.length / directions.length;
    const columns = matrix ? (tensors[0]?.shape[1] ?? 1) : 0;
    return graph.tensor(`layers.${index}.${name}`, [directions.length, ...(matrix ? [rows / columns, columns] : [rows])], data);
  };
  return {
    W: stack("W", ["weight_ih"], gates, true),
    R: stack("R", ["weight_hh"], gates, true),
    B: stack("B", ["bias_ih", "bias_hh"], gates, false),
    P: stack("P", ["weight_peephole"], peepholes, false),
  };
}
