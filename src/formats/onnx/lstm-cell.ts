// Long short-term memory, one step, with all of its options: see `reference/cells.rs` for the equations.

import { normalised, parameter, split } from "./algebra.js";
import { type Cell, type Direction, ofHidden } from "./cell.js";
import type { Value } from "./graph.js";
import { sum } from "./weights.js";

type Gate = "i" | "f" | "g" | "o";

/** In our order. */
const GATES = ["i", "f", "g", "o"] as const;
const COUPLED = ["i", "g", "o"] as const;

export const lstmCell: Cell = (direction, ofInput, states) => {
  const { graph, layer } = direction;
  const { cell: before = "" } = states;
  const z = preactivations(direction, ofInput, states.hidden);
  const opened = (gate: Gate, c: Value): Value => squashed(direction, seeing(direction, gate, z[gate], c), gate);
  const i = opened("i", before);
  const f = layer.coupledGates === true ? graph.op("Sub", [graph.float(1), i], {}, "f") : opened("f", before);
  const g = graph.op("Tanh", [z.g], {}, "g");
  const sum = graph.op("Add", [graph.op("Mul", [f, before]), graph.op("Mul", [i, g])], {}, "c");
  const c = clipped(direction, sum);
  const said = graph.op("Tanh", [onItsWayOut(direction, c)]);
  return { hidden: graph.op("Mul", [opened("o", c), said], {}, "h"), cell: c };
};

/** z of each gate [n, H]. */
function preactivations(direction: Direction, ofInput: Value, hidden: Value): Record<Gate, Value> {
  const { graph, layer } = direction;
  const normalises = layer.layerNorm === true;
  const gates = layer.coupledGates === true ? COUPLED : GATES;
  const ofStates = ofHidden(direction, hidden, !normalises);
  const sums = graph.op("Add", [ofInput, ofStates], {}, "z");
  const parts = split(graph, sums, layer.units, gates.map((gate) => `z_${gate}`));
  const z = { i: "", f: "", g: "", o: "" };
  for (const [k, gate] of gates.entries()) {
    const part = parts[k] ?? "";
    z[gate] = normalises ? normalisedGate(direction, part, k, gate) : part;
  }
  return z;
}

/** gain_k ⊙ norm(z_k) + b_ih[k] + b_hh[k] */
function normalisedGate({ graph, layer: { units }, weights }: Direction, z: Value, k: number, gate: Gate): Value {
  const part = (name: string) => weights.find(name)?.data.subarray(k * units, (k + 1) * units);
  const [gain, ofInput, ofHidden] = [part("gain_gates"), part("bias_ih"), part("bias_hh")];
  const tensor = (name: string, data: Float32Array) => graph.tensor(`${weights.nameOf(name)}.${gate}`, [units], data);
  const bias = ofInput && ofHidden && tensor("bias", sum(ofInput, ofHidden));
  return normalised(graph, z, tensor("gain_gates", gain ?? new Float32Array(units)), bias);
}

/** z + p ⊙ c where there are peepholes. */
function seeing({ graph, layer, weights }: Direction, gate: Gate, z: Value, c: Value): Value {
  const peepholes = weights.find("weight_peephole");
  if (!peepholes) return z;
  const row = (layer.coupledGates === true ? ["i", "o"] : ["i", "f", "o"]).indexOf(gate);
  const data = peepholes.data.subarray(row * layer.units, (row + 1) * layer.units);
  const p = graph.tensor(`${weights.nameOf("weight_peephole")}.${gate}`, [layer.units], data);
  return graph.op("Add", [z, graph.op("Mul", [p, c])]);
}

function squashed({ graph, layer }: Direction, z: Value, name: string): Value {
  const { gateActivation = "sigmoid" } = layer;
  if (gateActivation === "sigmoid") return graph.op("Sigmoid", [z], {}, name);
  const alpha = { float: gateActivation === "hard_sigmoid" ? 1 / 6 : 1 / 5 };
  return graph.op("HardSigmoid", [z], { alpha, beta: { float: 0.5 } }, name);
}

function clipped({ graph, layer: { cellClip } }: Direction, c: Value): Value {
  return cellClip === undefined ? c : graph.op("Clip", [c, graph.float(-cellClip), graph.float(cellClip)]);
}

/** The cell state as the output gate lets it out, before the tanh. */
function onItsWayOut({ graph, layer, weights }: Direction, c: Value): Value {
  if (layer.layerNorm !== true) return c;
  return normalised(graph, c, parameter(graph, weights, "gain_cell"), parameter(graph, weights, "bias_cell"));
}
