// The simple recurrent network, one step: h = tanh(z), or max(z, 0).

import { type Cell, ofHidden } from "./cell.js";

export const rnnCell: Cell = (direction, ofInput, before) => {
  const { graph, layer } = direction;
  const z = graph.op("Add", [ofInput, ofHidden(direction, before.hidden)], {}, "z");
  return { hidden: graph.op(layer.activation === "relu" ? "Relu" : "Tanh", [z]), cell: undefined };
};
