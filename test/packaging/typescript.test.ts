// The package in TypeScript projects of its users: the declarations resolve, say what they should, and hold up without
// `skipLibCheck`.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { CHECKOUT, Packed, runTool } from "./tarball.js";

let packed: Packed;
let project: string;

beforeAll(() => {
  packed = new Packed();
  project = packed.install("typescript");
});
afterAll(() => packed.dispose());

// That the wrong line is an error shows that the types were found: nothing is wrong with `any`.
const USE = `
export async function use(): Promise<"lapsed" | "returning" | undefined> {
  const model = await createModel({
    input: { features: 5, scaling: "standard" },
    layers: [{ cell: "lstm", units: 8 }],
    output: { classes: ["lapsed", "returning"] },
  });
  const x = new Float32Array(10);
  const { losses } = await model.fit({ x, shape: [1, 2, 5], targets: ["returning"] }, { signal: new AbortController().signal });
  // @ts-expect-error a class that there is not
  await model.fit({ x, shape: [1, 2, 5], targets: ["churned"] });
  const [prediction] = await model.predict({ x, shape: [1, 2, 5] });
  model.dispose();
  const layer = await createLayer({ cell: "lstm", units: 4 }, { inputs: 5 });
  const { finalCell } = layer.forward({ x, shape: [1, 2, 5] });
  const { initialCell }: { initialCell: Float32Array } = layer.backward({ finalCell });
  // @ts-expect-error a cell that there is not
  await createLayer({ cell: "lstn", units: 4 }, { inputs: 5 });
  const { columns, rows }: Table = await readCsv("orders.csv", { columns: { value: "number" } });
  if (columns["value"]?.kind === "number") initialCell[0] = columns["value"].values[rows - 1] ?? 0;
  // @ts-expect-error a kind of column that there is not
  await readParquet("orders.parquet", { columns: { value: "text" } });
  const source = await arrowSource<{ values: 1 }>("load.arrow", { features: ["load"], target: "load", window: { steps: 24, ahead: 1 } });
  const { targets }: { targets: Float32Array } = await source.read(0);
  const { entrants } = await compare({ task: "forecasting", series: [1, 2, 3], horizon: 1, entrants: ["naive", { kind: "lstm", units: 4 }] });
  const mape: number | undefined = entrants[0]?.summary.mape?.mean;
  // @ts-expect-error an entrant that there is not
  await compare({ task: "forecasting", series: [1, 2, 3], horizon: 1, entrants: ["naif"] });
  console.log(initialCell, targets, mape, rocAuc([true, false], [0.7, 0.2]).toFixed(2));
  return losses.length > 0 ? prediction?.label : undefined;
}
`;

const NODE = { lib: ["es2022"], types: ["node"], typeRoots: [join(CHECKOUT, "node_modules/@types")] };
const BROWSER = { lib: ["es2022", "dom"], types: [] };

interface Consumer {
  readonly name: string;
  readonly file: string;
  readonly how: string;
  readonly options: object;
}

const esm = `import { createModel } from "gatewise"; import { createLayer } from "gatewise/layers";
import { arrowSource, readCsv, readParquet, type Table } from "gatewise/data";
import { compare } from "gatewise/baselines"; import { rocAuc } from "gatewise/metrics";`;
const cjs = `import gatewise = require("gatewise"); import layers = require("gatewise/layers"); import data = require("gatewise/data");
import baselines = require("gatewise/baselines"); import metrics = require("gatewise/metrics");
type Table = data.Table;
const { arrowSource, readCsv, readParquet } = data; const { compare } = baselines; const { rocAuc } = metrics;
const { createModel } = gatewise; const { createLayer } = layers;`;

const CONSUMERS: readonly Consumer[] = [
  { name: "Node, import", file: "use.ts", how: esm, options: { module: "nodenext", ...NODE } },
  { name: "Node, require", file: "use.cts", how: cjs, options: { module: "nodenext", ...NODE } },
  { name: "a bundler", file: "use.ts", how: esm, options: { module: "esnext", moduleResolution: "bundler", ...BROWSER } },
];

test.each(CONSUMERS)("$name", ({ name, file, how, options }) => {
  const folder = join(project, name.replaceAll(/\W+/g, "-"));
  mkdirSync(folder);
  const compilerOptions = { target: "es2022", strict: true, noEmit: true, skipLibCheck: false, ...options };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: [file] }));
  writeFileSync(join(folder, file), `${how}\n${USE}`);
  const { status, stdout } = runTool("typescript/bin/tsc", ["-p", folder], project);
  expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
});
