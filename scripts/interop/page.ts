// docs/conversions.md out of docs/conversions.json.

import { BOUND, type Cell, type Conversions, type Row, type TrainingRow, type TypeRow, WAYS } from "./rows.js";

const CELLS: readonly Cell[] = ["lstm", "gru", "rnn"];

const FORMATS: Readonly<Record<string, string>> = {
  "pt in": "PyTorch `.pt`, in",
  "pt legacy in": "PyTorch `.pt` from before 1.6, in",
  "safetensors in": "safetensors of PyTorch's names, in",
  "pt out": "PyTorch `.pt`, out",
  "safetensors out": "safetensors of PyTorch's names, out",
  "onnx out": "ONNX, out",
};

/** The page, whole. */
export function pageOf(conversions: Conversions): string {
  const { torch, onnxruntime, models, seed, rows, types, training } = conversions;
  return `# What conversions keep

Written by \`npm run interop\` from what it measured: ${models} random models, each saved by one side, loaded by the other and run there on a
ragged batch. PyTorch ${torch} computes in float64 from the very weights that the file holds, ONNX Runtime ${onnxruntime} in f32. The numbers are
the largest errors of predictions, max|a − b| / max(10⁻³, max|b|) of a model's; none may be above ${figure(BOUND)}. Seed ${seed}:
\`npm run interop -- --cases N --seed S --json FILE\` measures again, \`--write\` writes this page. [How to convert](formats.md), [ONNX](onnx.md).

In: a model is inferred from the file and hints (\`loadPretrained\`), from state dicts and whole checkpoints, with the prefixes of wrappers, with
transposed, strided and shared storages; its state dict goes back with the same bits. Out: \`torch.load(weights_only=True)\` and
\`load_state_dict(strict=True)\` take it, and every bit comes back; or ONNX Runtime runs it.

## Formats and cells

All options and types together; → is one direction, ⇄ both.

${cellTable(rows)}

## Options of layers

Both directions together; a layer with several options counts for each. – is what the format's side does not have: PyTorch has no module that
computes it, so that \`stateDict\` refuses it (\`not_expressible\`), or there is nothing of it in a file.

${optionTable(rows)}

## Types of numbers

${typeTable(types)}

## Training

A checkpoint with the optimiser's state: the next ten losses of the other side, the largest relative difference.

${trainingTable(training)}
`;
}

function cellTable(rows: readonly Row[]): string {
  const columns = CELLS.flatMap((cell) => [false, true].map((bidirectional) => ({ cell, bidirectional })));
  const lines = WAYS.map((way) => [nameOf(way)].concat(columns.map((column) => largest(rows, { ...way, ...column }))));
  return table([""].concat(columns.map(({ cell, bidirectional }) => `${cell} ${bidirectional ? "⇄" : "→"}`)), lines);
}

function optionTable(rows: readonly Row[]): string {
  const lines = CELLS.flatMap((cell) => {
    const options = new Set(rows.filter((row) => row.cell === cell).map(({ option }) => option));
    return Array.from(options, (option) => [`${cell}, ${option || "plain"}`].concat(WAYS.map((way) => largest(rows, { ...way, cell, option }))));
  });
  return table([""].concat(WAYS.map(({ format, direction }) => `${format} ${direction}`)), lines);
}

function typeTable(types: readonly TypeRow[]): string {
  const columns = ["f32", "f64", "f16", "bf16"];
  return table([""].concat(columns), WAYS.map((way) => [nameOf(way)].concat(columns.map((type) => largest(types, { ...way, type })))));
}

function trainingTable(training: readonly TrainingRow[]): string {
  const optimizers = [...new Set(training.map(({ optimizer }) => optimizer))];
  const columns = ["in", "out"] as const;
  return table([""].concat(columns), optimizers.map((optimizer) => [optimizer].concat(columns.map((direction) => largest(training, { optimizer, direction })))));
}

function nameOf({ format, direction }: Pick<Row, "format" | "direction">): string {
  return FORMATS[`${format} ${direction}`] ?? `${format}, ${direction}`;
}

/** The largest error of the rows that have all of `wanted`. */
function largest<One extends { readonly error: number }>(rows: readonly One[], wanted: Partial<One>): string {
  const keys = Object.keys(wanted) as (keyof One)[];
  const errors = rows.filter((row) => keys.every((key) => row[key] === wanted[key])).map(({ error }) => error);
  return errors.length === 0 ? "–" : figure(Math.max(...errors));
}

function figure(error: number): string {
  return error.toExponential(1);
}

function table(titles: readonly string[], lines: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const ruler = titles.map((_, column) => (column === 0 ? "---" : "---:"));
  return [row(titles), row(ruler)].concat(lines.map(row)).join("\n");
}
