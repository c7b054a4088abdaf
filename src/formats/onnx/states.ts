// The states that sequences begin from and end with: zero, or a map of the statics, or the graph's inputs and outputs, in PyTorch's
// shapes, for whoever carries them from call to call.

import { linear, parameter, split, stacked } from "./algebra.js";
import type { Graph, Value } from "./graph.js";
import type { Arrays } from "./input.js";
import { scaled } from "./input.js";
import { type Definition, type Layer, type LayerStates, directionsOf, sizesOf } from "./place.js";
import type { Weights } from "./weights.js";

/** What each layer begins from; undefined where all of it is zero. `given` makes inputs of them. */
export function initialStates(
  graph: Graph,
  weights: Weights,
  definition: Definition,
  arrays: Arrays,
  given: boolean,
): readonly LayerStates[] | undefined {
  const { statics } = arrays;
  const isMapped = statics !== undefined && definition.input.staticsAs === "states";
  const mapped = isMapped ? statesOfStatics(graph, weights, definition, statics) : undefined;
  if (!given) return mapped;
  const states = definition.layers.map((layer, index) => graph.within(`layers.${index}.`, () => declared(graph, layer)));
  return mapped ? beginning(graph, states, mapped) : states;
}

/** Makes outputs of the states that each layer ends with. */
export function declareFinalStates(graph: Graph, definition: Definition, finals: readonly LayerStates[]): void {
  for (const [index, { hidden, cell }] of finals.entries()) {
    const layer = definition.layers[index];
    if (!layer) continue;
    graph.within(`layers.${index}.`, () => {
      const { type, description } = describe(layer);
      graph.output(hidden, "final_hidden", type("hidden"), description("hidden", "ends with"));
      if (cell !== undefined) graph.output(cell, "final_cell", type("cell"), description("cell", "ends with"));
    });
  }
}

/** The states of a layer as inputs. */
function declared(graph: Graph, layer: Layer): LayerStates {
  const { type, description } = describe(layer);
  const hidden = graph.input("initial_hidden", type("hidden"), description("hidden", "begins from"));
  if (layer.cell !== "lstm") return { hidden, cell: undefined };
  return { hidden, cell: graph.input("initial_cell", type("cell"), description("cell", "begins from")) };
}

function describe(layer: Layer) {
  const sizes = sizesOf(layer);
  const directions = directionsOf(layer);
  return {
    type: (kind: "hidden" | "cell") => ({ element: "float", shape: [directions, "n", sizes[kind]] }) as const,
    description: (kind: "hidden" | "cell", what: string) =>
      `The ${kind} state that each sequence ${what}, in each direction: [${directions}, n, ${sizes[kind]}].`,
  };
}

/** W · statics + b [n, S], cut into the states of each layer: layer by layer, direction by direction, hidden then cell. */
function statesOfStatics(graph: Graph, weights: Weights, { layers }: Definition, statics: Value): LayerStates[] {
  const [weight, bias] = ["weight", "bias"].map((name) => parameter(graph, weights, `initial.${name}`));
  const all = linear(graph, scaled(graph, weights, "statics", statics), weight ?? "", bias, "initial");
  const places = layers.flatMap((layer, index) => placesOf(layer, index));
  const parts = split(graph, all, places.map(({ size }) => size), places.map(({ name }) => name));
  return layers.map((_, index) => {
    const of = (kind: "hidden" | "cell"): Value | undefined => {
      const own = parts.filter((_, part) => places[part]?.index === index && places[part]?.kind === kind);
      return own.length === 0 ? undefined : stacked(graph, own, 0, `layers.${index}.initial.${kind}`);
    };
    return { hidden: of("hidden") ?? "", cell: of("cell") };
  });
}

/** What lies where among the states of all layers. */
function placesOf(layer: Layer, index: number) {
  const sizes = sizesOf(layer);
  const kinds = layer.cell === "lstm" ? (["hidden", "cell"] as const) : (["hidden"] as const);
  const directions = layer.bidirectional === true ? ["", ".reverse"] : [""];
  return directions.flatMap((suffix) =>
    kinds.map((kind) => ({ index, kind, size: sizes[kind], name: `initial.${index}.${kind}${suffix}` })),
  );
}

/** Those of the statics where a sequence begins, else those given. */
function beginning(graph: Graph, given: readonly LayerStates[], mapped: readonly LayerStates[]): LayerStates[] {
  const description =
    "Whether each sequence begins here: then it begins from states that the statics say, and not from those given: [n].";
  const begins = graph.input("begins", { element: "bool", shape: ["n"] }, description);
  const rows = graph.op("Unsqueeze", [begins, graph.ints(1)]);
  const choice = (given: Value, mapped: Value) => graph.op("Where", [rows, mapped, given]);
  return given.map(({ hidden, cell }, index) => {
    const { hidden: mappedHidden = "", cell: mappedCell } = mapped[index] ?? {};
    return { hidden: choice(hidden, mappedHidden), cell: cell && mappedCell && choice(cell, mappedCell) };
  });
}
