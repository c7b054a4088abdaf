// One recurrent layer of a model in ONNX: by the operator that has its equations, else by a loop over them; what becomes of its
// two directions; what a residual layer adds. What training alone does is not there.

import { normalisedIfSaid } from "./algebra.js";
import type { Graph, Value } from "./graph.js";
import { isOperator, operatorLayer } from "./operators.js";
import type { Batch, LayerOutput, LayerPlace } from "./place.js";
import { scanLayer } from "./scan.js";

/** From reads [steps, n, I]; a residual layer adds them as they were before they were normalised. */
export function recurrentLayer(place: LayerPlace, reads: Value): LayerOutput {
  const { graph, weights, index, layer } = place;
  const read = normalisedIfSaid(graph, weights, `layers.${index}.norm`, reads);
  const output = isOperator(layer) ? operatorLayer(place, read) : scanLayer(place, read);
  return layer.residual === true ? withReads(place, output, reads) : output;
}

function withReads({ graph, batch }: LayerPlace, output: LayerOutput, reads: Value): LayerOutput {
  const last = graph.op("Add", [output.last, lastStep(graph, batch, reads)], {}, "last.residual");
  return { ...output, steps: graph.op("Add", [output.steps, reads], {}, "residual"), last };
}

/** The last valid step of values [steps, n, D]: [n, D]. */
function lastStep(graph: Graph, { ragged }: Batch, values: Value): Value {
  if (!ragged) return graph.op("Gather", [values, graph.int(-1)], { axis: 0 });
  const reversed = graph.op("ReverseSequence", [values, ragged.lengths], { time_axis: 0, batch_axis: 1 });
  return graph.op("Gather", [reversed, graph.int(0)], { axis: 0 });
}
