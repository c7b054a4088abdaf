// The gated recurrent unit, one step, its reset gate r after the product with the hidden state or before it:
//
//   n = tanh(x_n + r ⊙ (W_hh[n] h + b_hh[n]))      or tanh(x_n + W_hh[n] (r ⊙ h) + b_hh[n])
//   h' = (1 − z) ⊙ n + z ⊙ h

import { linear, split } from "./algebra.js";
import { type Cell, type Direction, ofHidden } from "./cell.js";
import type { Value } from "./graph.js";

export const gruCell: Cell = (direction, ofInput, { hidden: before }) => {
  const { graph, layer } = direction;
  const [xr = "", xz = "", xn = ""] = split(graph, ofInput, layer.units, ["x_r", "x_z", "x_n"]);
  const { hr, hz, hn } = layer.reset === "before" ? ofGates(direction, before) : ofAll(direction, before);
  const gate = (x: Value, h: Value, name: string) => graph.op("Sigmoid", [graph.op("Add", [x, h])], {}, name);
  const [r, z] = [gate(xr, hr, "r"), gate(xz, hz, "z")];
  const seen = hn === undefined ? ofNew(direction, graph.op("Mul", [r, before])) : graph.op("Mul", [r, hn]);
  const n = graph.op("Tanh", [graph.op("Add", [xn, seen])], {}, "n");
  const taken = graph.op("Mul", [graph.op("Sub", [graph.float(1), z]), n]);
  return { hidden: graph.op("Add", [taken, graph.op("Mul", [z, before])], {}, "h"), cell: undefined };
};

/** What r, z and n see of the hidden state. */
function ofAll(direction: Direction, hidden: Value): { hr: Value; hz: Value; hn: Value | undefined } {
  const { graph, layer } = direction;
  const [hr = "", hz = "", hn = ""] = split(graph, ofHidden(direction, hidden), layer.units, ["h_r", "h_z", "h_n"]);
  return { hr, hz, hn };
}

/** What r and z see of it. */
function ofGates(direction: Direction, hidden: Value): { hr: Value; hz: Value; hn: Value | undefined } {
  const { graph, layer } = direction;
  const [hr = "", hz = ""] = split(graph, ofRows(direction, hidden, 0, 2, "r_z"), layer.units, ["h_r", "h_z"]);
  return { hr, hz, hn: undefined };
}

/** W_hh[n] (r ⊙ h) + b_hh[n] */
function ofNew(direction: Direction, reset: Value): Value {
  return ofRows(direction, reset, 2, 3, "n");
}

/** The product with the rows of some of the gates. */
function ofRows({ graph, layer, weights }: Direction, hidden: Value, from: number, to: number, name: string): Value {
  const part = (tensor: string): Value | undefined => {
    const found = weights.find(tensor);
    if (!found) return undefined;
    const width = found.shape[1] ?? 1;
    const rows = layer.units * width;
    const shape = [layer.units * (to - from), ...found.shape.slice(1)];
    return graph.tensor(`${weights.nameOf(tensor)}.${name}`, shape, found.data.subarray(from * rows, to * rows));
  };
  return linear(graph, hidden, part("weight_hh") ?? "", part("bias_hh"), `h_${name}`);
}
