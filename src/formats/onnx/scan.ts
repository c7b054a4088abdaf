// Layers that no operator of ONNX has the equations of: a loop (Scan) over the steps of each direction, whose body is one step of
// all sequences. A sequence's states stay as they are beyond its length; so the reverse direction, which goes through the
// steps from the last one on, begins at each sequence's own. https://onnx.ai/onnx/operators/onnx__Scan.html

import { linear, linearOverSteps, parameter, parameterIfAny, stacked } from "./algebra.js";
import type { Cell, Direction, StepStates } from "./cell.js";
import type { Graph, Value } from "./graph.js";
import { gruCell } from "./gru-cell.js";
import { lstmCell } from "./lstm-cell.js";
import { merged } from "./merge.js";
import { type Layer, type LayerOutput, type LayerPlace, sizesOf } from "./place.js";
import { rnnCell } from "./rnn-cell.js";

const CELLS: Readonly<Record<Layer["cell"], Cell>> = { lstm: lstmCell, gru: gruCell, rnn: rnnCell };

/** What a direction gives: its hidden states [steps, n, R], and the states that it ends with. */
interface Scanned {
  readonly steps: Value;
  readonly final: StepStates;
}

/** From reads [steps, n, I]. */
export function scanLayer(place: LayerPlace, reads: Value): LayerOutput {
  const { graph, layer } = place;
  const directions = layer.bidirectional === true ? ["forward.", "reverse."] : [""];
  const scanned = directions.map((prefix, which) => graph.within(prefix, () => scan(place, which, reads)));
  const finals = scanned.map(({ final }) => final);
  const hidden = finals.map((final) => final.hidden);
  const cells = finals.map((final) => final.cell).filter((cell) => cell !== undefined);
  return {
    steps: merged(graph, layer, scanned.map(({ steps }) => steps), "steps"),
    last: merged(graph, layer, hidden, "last"),
    final: { hidden: stacked(graph, hidden, 0), cell: cells.length > 0 ? stacked(graph, cells, 0) : undefined },
  };
}

/** One direction: the forward one, or the reverse one. */
function scan(place: LayerPlace, which: number, reads: Value): Scanned {
  const { graph, layer, batch } = place;
  const weights = place.weights.direction(place.index, which);
  // The product with the input is one for all steps. Layer normalisation adds the bias later.
  const bias = layer.layerNorm === true ? undefined : parameterIfAny(graph, weights, "bias_ih");
  const ofInput = linearOverSteps(graph, reads, parameter(graph, weights, "weight_ih"), bias, "of_input");
  const body = graph.body();
  const { hidden, cell } = initialStates(place, which);
  bodyOf({ graph: body, layer, weights }, batch.ragged !== undefined);
  const inputs = [hidden, ...(cell === undefined ? [] : [cell]), ofInput, ...(batch.ragged ? [batch.ragged.valid] : [])];
  const names = ["scan.hidden", ...(cell === undefined ? [] : ["scan.cell"]), "scan"];
  const attributes = {
    body,
    num_scan_inputs: batch.ragged ? 2 : 1,
    scan_input_directions: batch.ragged ? [which, which] : [which],
    scan_output_directions: [which],
  };
  const outputs = graph.ops("Scan", inputs, names, attributes);
  return { steps: outputs.at(-1) ?? "", final: { hidden: outputs[0] ?? "", cell: cell === undefined ? undefined : outputs[1] } };
}

/** A step of all sequences: from the states before it, what is read and whether that counts, to the states after it. */
function bodyOf(direction: Direction, isRagged: boolean): void {
  const { graph: body, layer } = direction;
  const sizes = sizesOf(layer);
  const float = (size: number) => ({ element: "float", shape: ["n", size] }) as const;
  const hidden = body.input("hidden", float(sizes.hidden));
  const cell = sizes.cell > 0 ? body.input("cell", float(sizes.cell)) : undefined;
  const ofInput = body.input("of_input", float(sizes.gates));
  const valid = isRagged ? body.input("valid", { element: "bool", shape: ["n", 1] }) : undefined;
  const next = stepped(direction, ofInput, { hidden, cell });
  const stays = (state: Value, before: Value) => (valid === undefined ? state : body.op("Where", [valid, state, before]));
  const nextHidden = stays(next.hidden, hidden);
  const given = body.op("Identity", [nextHidden]);
  body.output(nextHidden, "next_hidden", float(sizes.hidden));
  if (next.cell !== undefined && cell !== undefined) {
    body.output(stays(next.cell, cell), "next_cell", float(sizes.cell));
  }
  body.output(given, "gives", float(sizes.hidden));
}

/** The cell's states, projected, and mixed with those before as zoneout has it. */
function stepped(direction: Direction, ofInput: Value, before: StepStates): StepStates {
  const { graph, layer, weights } = direction;
  const next = CELLS[layer.cell](direction, ofInput, before);
  const hidden =
    layer.projection === undefined
      ? next.hidden
      : linear(graph, next.hidden, parameter(graph, weights, "weight_hr"), undefined, "projection");
  return {
    hidden: kept(graph, hidden, before.hidden, layer.zoneout?.hidden),
    cell: next.cell && before.cell && kept(graph, next.cell, before.cell, layer.zoneout?.cell),
  };
}

/** rate · before + (1 − rate) · state: the expectation of keeping that part. */
function kept(graph: Graph, state: Value, before: Value, rate = 0): Value {
  if (rate === 0) return state;
  const parts = [graph.op("Mul", [before, graph.float(rate)]), graph.op("Mul", [state, graph.float(1 - rate)])];
  return graph.op("Add", parts, {}, "zoneout");
}

/** The states that a direction begins from. */
function initialStates({ graph, layer, batch, initial }: LayerPlace, which: number): StepStates {
  const sizes = sizesOf(layer);
  const zeros = (size: number) => graph.op("Expand", [graph.float(0), graph.op("Concat", [batch.n, graph.ints(size)], { axis: 0 })]);
  const of = (states: Value | undefined, size: number) =>
    states === undefined ? zeros(size) : graph.op("Gather", [states, graph.int(which)], { axis: 0 });
  return { hidden: of(initial?.hidden, sizes.hidden), cell: sizes.cell > 0 ? of(initial?.cell, sizes.cell) : undefined };
}
