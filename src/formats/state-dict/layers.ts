// The recurrent layers of a definition, out of tensors under our names. Knows no numbers.

import { GatewiseError } from "../../errors.js";
import type { LayerDefinition } from "../../generated/core.js";
import { type Hints, type LayerHints, question } from "./hints.js";
import type { Shapes } from "./match.js";
import { recurrentName } from "./names.js";

/** Most layers that a definition has. */
const MOST_LAYERS = 64;

/** Whatever of a layer's definition is not its default. */
export type InferredLayer = Pick<LayerDefinition, "cell" | "units"> & Partial<LayerDefinition>;

/** Each layer's definition, hints included. @throws {GatewiseError} `state_mismatch`, or `invalid_option` with the hint that is needed */
export function inferLayers(shapes: Shapes, hints: Hints): InferredLayer[] {
  const count = countLayers(shapes);
  if (Array.isArray(hints.layers) && hints.layers.length !== count) {
    throw question("layers", `there are hints for ${hints.layers.length} layers, the file has ${count}`);
  }
  const layers = Array.from({ length: count }, (_, index) => inferLayer(index, new LayerShapes(shapes, index), hintsOf(hints, index)));
  for (const [index, layer] of layers.entries()) assertMerge(shapes, index, layer);
  return layers;
}

/** Numbers a step that a layer gives. */
export function outputsOf({ units, projection, bidirectional, merge = "concat" }: InferredLayer): number {
  return (projection ?? units) * (bidirectional === true && merge === "concat" ? 2 : 1);
}

function hintsOf({ layers }: Hints, index: number): LayerHints {
  return (Array.isArray(layers) ? (layers as readonly LayerHints[])[index] : (layers as LayerHints | undefined)) ?? {};
}

function countLayers(shapes: Shapes): number {
  const found = new Set<number>();
  for (const name of shapes.keys()) {
    const [, layer, parameter = ""] = /^layers\.(\d{1,9})\.(\w+)$/.exec(name) ?? [];
    if (layer !== undefined && recurrentName(parameter)) found.add(Number(layer));
  }
  const missing = Array.from(found.keys()).findIndex((_, index) => !found.has(index));
  if (found.size === 0) throw new GatewiseError("state_mismatch", "layers", "no tensor belongs to an LSTM, GRU or RNN: a model has at least one such layer");
  if (missing >= 0) throw new GatewiseError("state_mismatch", `layers.${missing}`, `there is a layer ${Math.max(...found)}, but no layer ${missing}`);
  if (found.size > MOST_LAYERS) throw new GatewiseError("state_mismatch", "layers", `the file has ${found.size} recurrent layers, a model at most ${MOST_LAYERS}`);
  return found.size;
}

/** One layer's tensors. */
class LayerShapes {
  readonly #shapes: Shapes;
  readonly #index: number;

  constructor(shapes: Shapes, index: number) {
    this.#shapes = shapes;
    this.#index = index;
  }

  name(base: string): string {
    return `layers.${this.#index}.${base}`;
  }

  has(base: string): boolean {
    return this.#shapes.has(this.name(base));
  }

  /** The sizes of a matrix that there has to be. */
  matrix(base: string): readonly [rows: number, columns: number] {
    const shape = this.#shapes.get(this.name(base));
    const [rows = 0, columns = 0, ...rest] = shape ?? [];
    if (!shape) throw new GatewiseError("state_mismatch", this.name(base), `${this.name(base)} is missing`);
    if (rest.length > 0 || rows === 0 || columns === 0) throw new GatewiseError("state_mismatch", this.name(base), `${this.name(base)} is [${shape.join(", ")}], which is no matrix of weights`);
    return [rows, columns];
  }
}

function inferLayer(index: number, shapes: LayerShapes, hints: LayerHints): InferredLayer {
  const [rows, columns] = shapes.matrix("weight_hh_l0");
  const [inputRows] = shapes.matrix("weight_ih_l0");
  if (inputRows !== rows) {
    throw new GatewiseError("state_mismatch", shapes.name("weight_ih_l0"), `weight_ih has ${inputRows} rows, weight_hh ${rows}: they are not of one layer`);
  }
  const projection = shapes.has("weight_hr_l0") ? shapes.matrix("weight_hr_l0") : undefined;
  const units = projection?.[1] ?? columns;
  const cell = hints.cell ?? cellOf(rows, columns, units, shapes);
  if (cell === "rnn" && hints.activation === undefined) {
    throw question(`layers[${index}].activation`, `the file does not say the function of the simple RNN in layer ${index}: give layers: { activation: "tanh" }, PyTorch's default, or "relu"`);
  }
  return {
    cell,
    units,
    ...(shapes.has("weight_ih_l0_reverse") && { bidirectional: true }),
    ...(projection && { projection: projection[0] }),
    ...(!shapes.has("bias_ih_l0") && !shapes.has("bias_hh_l0") && { bias: false }),
    ...(shapes.has("weight_peephole_l0") && { peepholes: true }),
    ...(shapes.has("gain_gates_l0") && { layerNorm: true }),
    ...(shapes.has("norm.weight") && { inputNorm: true }),
    ...(hints as Partial<LayerDefinition>),
  };
}

/** By gates: `weight_hh` is [gates · units, units], with a projection of an LSTM's [4 · units, projected]. */
function cellOf(rows: number, columns: number, units: number, shapes: LayerShapes): LayerDefinition["cell"] {
  const cell = ({ 4: "lstm", 3: "gru", 1: "rnn" } as const)[rows / units];
  if (cell && (cell === "lstm" || columns === units)) return cell;
  const message = `weight_hh is [${rows}, ${columns}]${columns === units ? "" : ` with a projection of ${units} units`}: an LSTM's has 4 rows a unit, a GRU's 3, a simple RNN's 1`;
  throw new GatewiseError("state_mismatch", shapes.name("weight_hh_l0"), message);
}

/** What reads a bidirectional layer tells whether it gives both directions side by side, but not whether their sum or mean. */
function assertMerge(shapes: Shapes, index: number, layer: InferredLayer): void {
  const reader = `layers.${index + 1}.weight_ih_l0`;
  const columns = (shapes.get(reader) ?? shapes.get("output.weight"))?.[1];
  if (layer.bidirectional !== true || layer.merge !== undefined || columns !== (layer.projection ?? layer.units)) return;
  const message = `what reads layer ${index} takes ${columns} numbers, as many as one direction has: give layers[${index}].merge, "sum" or "mean" of both`;
  throw question(`layers[${index}].merge`, message);
}
