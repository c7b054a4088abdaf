// The rows of the conversion table: what the proofs have recorded, the largest error of each kind of layer in each format. Knows
// no files and no models.

import type { Conversion } from "../../test/formats/conversions.js";

/** f32 against float64, or f32 against f32 (ONNX Runtime): what may not be exceeded. */
export const BOUND = 1e-5;

export type Cell = Conversion["cell"];

/** One kind of layer in one format, in or out. */
export interface Row {
  readonly format: string;
  readonly direction: "in" | "out";
  readonly cell: Cell;
  readonly bidirectional: boolean;
  /** One option of the layer, whatever stands beside it; empty for layers without any. */
  readonly option: string;
  /** Models that had such a layer. */
  readonly models: number;
  /** The largest `max|a − b| / max(1e-3, max|b|)` of their predictions. */
  readonly error: number;
}

/** What a format holds numbers as, whatever the layers. */
export interface TypeRow extends Pick<Row, "format" | "direction" | "models" | "error"> {
  readonly type: string;
}

/** An optimiser's state. */
export interface TrainingRow {
  readonly optimizer: string;
  readonly direction: "in" | "out";
  /** The largest difference of the next ten losses, relative to each. */
  readonly error: number;
}

/** What docs/conversions.json holds, and docs/conversions.md shows. */
export interface Conversions {
  readonly torch: string;
  readonly onnxruntime: string;
  readonly seed: number;
  readonly models: number;
  readonly rows: readonly Row[];
  readonly types: readonly TypeRow[];
  readonly training: readonly TrainingRow[];
}

/** Layers with several options are in the row of each. */
export function rowsOf(conversions: readonly Conversion[]): Row[] {
  const split = conversions.flatMap(({ format, direction, cell, bidirectional, options, error }) =>
    Array.from(new Set(options.split(", ")), (option) => ({ format, direction, cell, bidirectional, option, models: 1, error })),
  );
  return together(split, ({ format, direction, cell, bidirectional, option }) => [format, direction, cell, String(bidirectional), option]);
}

/** By the type of the numbers in the file. */
export function typesOf(conversions: readonly Conversion[]): TypeRow[] {
  const typed = conversions.map(({ format, direction, type = "f32", error }) => ({ format, direction, type, models: 1, error }));
  return together(typed, ({ format, direction, type }) => [format, direction, type]);
}

/** Those with the same key as one, sorted by it. JSON has no infinity, and would pass it for null. */
function together<One extends { readonly models: number; readonly error: number }>(all: readonly One[], keyOf: (one: One) => readonly string[]): One[] {
  const found = new Map<string, One>();
  for (const one of all) {
    const key = keyOf(one).join("\t");
    const { models, error } = found.get(key) ?? { models: 0, error: 0 };
    found.set(key, { ...one, models: models + one.models, error: Math.min(Math.max(error, one.error), Number.MAX_VALUE) });
  }
  return [...found].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

/** The formats there are, each way. Legacy files are not written, ONNX files not read. */
export const WAYS: readonly Pick<Row, "format" | "direction">[] = [
  { format: "pt", direction: "in" },
  { format: "pt legacy", direction: "in" },
  { format: "safetensors", direction: "in" },
  { format: "pt", direction: "out" },
  { format: "safetensors", direction: "out" },
  { format: "onnx", direction: "out" },
];

/** What each format has to have a row of, by cell: options that PyTorch's modules have. */
export const NEEDED: Readonly<Record<Cell, readonly string[]>> = {
  lstm: ["", "bias: false", "projection", "inputNorm"],
  gru: ["", "bias: false", "inputNorm"],
  rnn: ["", "bias: false", "activation: relu", "inputNorm"],
};

/** Combinations that no model has proved: `"gru ⇄, pt legacy in: bias: false"`. */
export function missing(rows: readonly Row[]): string[] {
  const proved = new Set(rows.map(said));
  const needed = WAYS.flatMap(({ format, direction }) =>
    (Object.keys(NEEDED) as Cell[]).flatMap((cell) =>
      [false, true].flatMap((bidirectional) => {
        const options = direction === "in" && !bidirectional ? [...NEEDED[cell], "as cells"] : NEEDED[cell];
        return options.map((option) => said({ format, direction, cell, bidirectional, option }));
      }),
    ),
  );
  return needed.filter((kind) => !proved.has(kind));
}

function said({ format, direction, cell, bidirectional, option }: Omit<Row, "models" | "error">): string {
  return `${cell} ${bidirectional ? "⇄" : "→"}, ${format} ${direction}: ${option || "plain"}`;
}

/** What is not within the bound. */
export function beyond({ rows, types, training }: Pick<Conversions, "rows" | "types" | "training">): string[] {
  const all = [...rows, ...types, ...training].filter(({ error }) => !(error <= BOUND));
  return all.map((row) => JSON.stringify(row));
}
