// The package in projects of its users: imported and required in Node, without Rust or any other program around.

import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { afterAll, beforeAll, expect, test } from "vitest";

import { Packed, runNode } from "./tarball.js";

let packed: Packed;
let project: string;

beforeAll(() => {
  packed = new Packed();
  project = packed.install("node");
});
afterAll(() => packed.dispose());

/** What the programs below print. */
interface Outcome {
  readonly compilers: readonly string[];
  readonly trained: Record<"auto" | "native" | "wasm", { name: string; reason: string; losses: number[]; label: string }>;
}

// The body of both programs. Four sequences of two steps; the class is whether they rise.
const TRAIN = `
  const { spawnSync } = await import("node:child_process");
  const compilers = ["cargo", "rustc"].filter((program) => spawnSync(program).error?.code !== "ENOENT");
  const definition = { input: { features: 1 }, layers: [{ cell: "lstm", units: 8 }], output: { classes: ["falls", "rises"] }, seed: 7 };
  const x = Float32Array.of(0, 1, 1, 0, -1, 1, 1, -1);
  const data = { x, shape: [4, 2, 1], targets: ["rises", "falls", "rises", "falls"] };
  const trained = {};
  for (const backend of BACKENDS) {
    const model = await createModel(definition, { backend });
    const { losses } = await model.fit(data, { epochs: 60, batchSize: 4, optimizer: { kind: "adam", learningRate: 0.05 } });
    const [{ label }] = await model.predict({ x: Float32Array.of(-0.5, 0.8), shape: [1, 2, 1] });
    trained[backend] = { name: model.backend.name, reason: model.backend.reason, losses, label };
    model.dispose();
  }
  console.log(JSON.stringify({ compilers, trained }));
`;

function program(how: "import" | "require", backends: readonly string[]): string {
  const names = `const BACKENDS = ${JSON.stringify(backends)};`;
  if (how === "import") return `import { createModel } from "gatewise"; ${names} ${TRAIN}`;
  return `const { createModel } = require("gatewise"); ${names} void (async () => { ${TRAIN} })();`;
}

function outcomeOf(how: "import" | "require", backends: readonly string[], folder = project): Outcome {
  const file = how === "import" ? "imports.mjs" : "requires.cjs";
  writeFileSync(join(folder, file), program(how, backends));
  const { status, stdout, stderr } = runNode([file], folder);
  // Not even a warning.
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return JSON.parse(stdout);
}

test.each(["import", "require"] as const)("%s: it trains and predicts on both backends, without Rust", (how) => {
  const { compilers, trained } = outcomeOf(how, ["native", "wasm"]);
  expect(compilers).toEqual([]);
  for (const backend of ["native", "wasm"] as const) {
    const { name, losses, label } = trained[backend];
    expect(name).toBe(backend);
    expect(losses).toHaveLength(60);
    expect(losses[0]).toBeCloseTo(Math.LN2, 0);
    expect(losses.at(-1)).toBeLessThan(0.1);
    expect(label).toBe("rises");
  }
});

test("both ways come to the same numbers", () => {
  const backends = ["native", "wasm"];
  expect(outcomeOf("require", backends).trained).toEqual(outcomeOf("import", backends).trained);
});

test("import and require give one package, not two", () => {
  writeFileSync(
    join(project, "both.cjs"),
    `const required = require("gatewise");
     import("gatewise").then((imported) => console.log(imported.GatewiseError === required.GatewiseError));`,
  );
  expect(runNode(["both.cjs"], project)).toMatchObject({ status: 0, stdout: "true\n", stderr: "" });
});

test.each(["native", "wasm"])("gatewise/layers: a layer by itself on %s, whose errors are the package's", (backend) => {
  writeFileSync(
    join(project, "layer.mjs"),
    `import { GatewiseError } from "gatewise";
     import { createLayer } from "gatewise/layers";
     const layer = await createLayer({ cell: "gru", units: 4 }, { inputs: 2, seed: 3, backend: "${backend}" });
     const { hidden } = layer.forward({ x: Float32Array.of(1, 2, 3, 4), shape: [1, 2, 2] });
     const { x } = layer.backward({ hidden: hidden.fill(1) });
     let known = false;
     try { layer.backward({}); } catch (error) { known = error instanceof GatewiseError && error.code === "empty_data"; }
     console.log(layer.backend.name, hidden.length, x.every((value) => value !== 0), known);`,
  );
  expect(runNode(["layer.mjs"], project)).toMatchObject({ status: 0, stdout: `${backend} 8 true true\n`, stderr: "" });
});

test("gatewise/data: a pipeline goes into the model's file, and raw rows are prepared by it", () => {
  writeFileSync(
    join(project, "rows.mjs"),
    `import { createModel, loadModel } from "gatewise";
     import { definePipeline } from "gatewise/data";
     const rows = Array.from({ length: 40 }, (_, t) => ({ t, v: t % 2, next: t % 2 ? "even" : "odd" }));
     const pipeline = definePipeline({ time: "t", features: ["v"], window: { size: 3 }, target: { last: "next" } });
     const fitted = pipeline.fit(rows);
     const model = await createModel({ input: { features: 1 }, layers: [{ cell: "gru", units: 4 }], output: { classes: fitted.classes } });
     await model.fit(fitted.apply(rows), { epochs: 40, batchSize: 8, optimizer: { kind: "adam", learningRate: 0.05 } });
     const loaded = await loadModel(await model.save());
     const [{ group, time, prediction }] = await loaded.predict({ rows: rows.slice(0, 12), latest: true });
     console.log(group, time, prediction.label);`,
  );
  expect(runNode(["rows.mjs"], project)).toMatchObject({ status: 0, stdout: "null 11 even\n", stderr: "" });
});

test("gatewise/data: it reads files with what comes with it, and names the package that a format needs", () => {
  writeFileSync(join(project, "orders.csv.gz"), gzipSync("customer,value\na,1.5\nb,\n"));
  writeFileSync(
    join(project, "data.mjs"),
    `import { GatewiseError } from "gatewise";
     import { readArrow, readCsv, readParquet } from "gatewise/data";
     const { columns } = await readCsv("orders.csv.gz");
     console.log(columns.customer.names.join(), columns.value.values.join());
     for (const read of [readParquet, readArrow]) {
       const error = await read("orders.csv.gz").catch((error) => error);
       console.log(error instanceof GatewiseError, error.code, error.path, error.message);
     }`,
  );
  const { status, stdout, stderr } = runNode(["data.mjs"], project);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout.split("\n")).toEqual([
    "a,b 1.5,NaN",
    "true missing_package hyparquet the package hyparquet reads Parquet files, and is not installed: npm install hyparquet",
    "true missing_package apache-arrow the package apache-arrow reads Arrow files, and is not installed: npm install apache-arrow",
    "",
  ]);
});

test("gatewise/baselines: what needs a package that is not installed names it; the rest works without", () => {
  writeFileSync(
    join(project, "baselines.mjs"),
    `import { compare, sarima, toHtml, toTable } from "gatewise/baselines";
     const series = Array.from({ length: 40 }, (_, t) => Math.sin(t) + t);
     const comparison = await compare({ task: "forecasting", series, horizon: 4, entrants: ["naive", "drift"] });
     const why = ({ code, path }) => code + " " + path;
     console.log(toTable(comparison).includes("drift"));
     console.log(await toHtml(comparison).catch(why));
     console.log(await sarima({ order: [1, 0, 0] }).fit(Float64Array.from(series), { horizon: 1 }).catch(why));`,
  );
  const stdout = "true\nmissing_package @observablehq/plot\nmissing_package arima\n";
  expect(runNode(["baselines.mjs"], project)).toMatchObject({ status: 0, stdout, stderr: "" });
});

test("gatewise/formats: an ONNX export without onnx-proto names it", () => {
  writeFileSync(
    join(project, "formats.mjs"),
    `import { createModel } from "gatewise";
     import { exportOnnx } from "gatewise/formats";
     const model = await createModel({ input: { features: 1 }, layers: [{ cell: "lstm", units: 1 }], output: { values: 1 } });
     console.log(await exportOnnx(model).catch(({ code, path, message }) => [code, path, message].join(" | ")));`,
  );
  const message = "the package onnx-proto writes ONNX files, and is not installed: npm install onnx-proto";
  const stdout = `missing_package | onnx-proto | ${message}\n`;
  expect(runNode(["formats.mjs"], project)).toMatchObject({ status: 0, stdout, stderr: "" });
});

// Each further file, and each of Node's own modules that is not there from the start, takes a program's start up to 4 ms.
const ENTRIES = {
  gatewise: "node.js",
  "gatewise/layers": "layers-node.js",
  "gatewise/data": "data-node.js",
  "gatewise/formats": "formats-node.js",
  "gatewise/metrics": "metrics-node.js",
  "gatewise/baselines": "baselines-node.js",
} as const;
const LOADS = (["import", "require"] as const).flatMap((how) => Object.entries(ENTRIES).map(([name, file]) => [how, name, file] as const));
test.each(LOADS)("%s %s: it loads one file and nothing of Node's but the loader", (how, name, entry) => {
  expect(readFileSync(join(project, "node_modules/gatewise/dist/entry", entry), "utf8")).not.toMatch(/^import\b/m);
  const load = how === "import" ? `await import("${name}");` : `require("${name}");`;
  const file = how === "import" ? "loads.mjs" : "loads.cjs";
  writeFileSync(
    join(project, file),
    `const before = new Set(process.moduleLoadList);
     ${load}
     const loaded = process.moduleLoadList.filter((name) => !before.has(name) && !name.includes(" internal/modules/"));
     console.log(loaded.join());`,
  );
  expect(runNode([file], project)).toMatchObject({ status: 0, stdout: "\n", stderr: "" });
});

test("on a platform without an addon it runs WebAssembly and says why", () => {
  const elsewhere = join(project, "..", "elsewhere");
  cpSync(project, elsewhere, { recursive: true });
  const bindings = join(elsewhere, "node_modules/gatewise/bindings/node");
  for (const file of readdirSync(bindings)) if (file.endsWith(".node")) rmSync(join(bindings, file));
  const { auto } = outcomeOf("import", ["auto"], elsewhere).trained;
  expect(auto.name).toBe("wasm");
  expect(auto.reason).toContain("native");
  expect(auto.label).toBe("rises");
});
