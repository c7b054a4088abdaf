// What the package costs before it does any work: its import, the way to the first prediction, the size of its WASM file.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";

import { Inputs } from "../inputs.js";
import type { Row } from "../rows.js";
import { CLASSES, nameOf, shape } from "../shapes.js";
import type { Context, Suite } from "../suite.js";
import { LIMITS } from "../targets.js";
import { readTensors } from "../workers/files.js";
import { onnxModel } from "../workers/onnx-graph.js";
import { inTurns, programPath, runProgram, timeProgram } from "./fresh-process.js";
import { moduleUrl } from "./peer-modules.js";
import { rowOf } from "./row.js";
import { comparison, median } from "./statistics.js";

const SUITE = "package";
const checkout = (path: string) => new URL(`../../${path}`, import.meta.url);

/** What is predicted first: one sequence. */
const SEQUENCE = shape(1, 100, 16, 64);

export const packageSuite: Suite = {
  name: SUITE,
  async *run(context) {
    yield* await importTimes(context);
    yield* await firstPredictions(context);
    if (context.wanted(SUITE, "", null)) yield* wasmSizes();
  },
};

/** Fresh processes that import one package each, or none, in turn; what counts is the time over that of the empty one. */
async function importTimes({ options, peers, log, wanted }: Context): Promise<Row[]> {
  const compared = ["onnxruntime-node", "tfjs", "brain.js"] as const;
  const names = compared.filter((name) => peers[name].available && wanted(SUITE, "", name));
  if (names.length === 0 && !wanted(SUITE, "", null)) return [];
  log(`${SUITE}: imports in fresh Node processes`);
  const start = (url?: string) => {
    const script = url === undefined ? "" : `import ${JSON.stringify(url)};`;
    return () => timeProgram([process.execPath, "--input-type=module", "--eval", script]);
  };
  const nothing = start(pathToFileURL(programPath("empty.mjs")).href);
  const packages = names.map((name) => [name, start(moduleUrl(peers, name))] as const);
  const runs = { empty: start(), nothing, gatewise: start(checkout("dist/entry/node.js").href), ...Object.fromEntries(packages) };
  await inTurns(1, runs); // the files come from the disk once
  const times: Record<string, number[]> = await inTurns(options.quick ? 5 : 40, runs);
  const { empty = [], nothing: emptyFile = [], gatewise = [] } = times;
  const over = (imported: readonly number[]) => ({
    best: Math.min(...imported) - Math.min(...empty),
    median: median(imported.map((milliseconds, turn) => milliseconds - (empty[turn] ?? Number.NaN))),
  });
  const ours = over(gatewise);
  const row = { suite: SUITE, operation: "import", ours_ms: ours.best, ours_median_ms: ours.median, runs: empty.length };
  const peerRows = names.map((peer) => {
    const theirs = over(times[peer] ?? []);
    return rowOf({ ...row, peer, peer_ms: theirs.best, peer_median_ms: theirs.median, ratio: theirs.best / ours.best });
  });
  const target = `≤ ${LIMITS.importMilliseconds} ms over Node's own start`;
  const own = [`Node's own start takes ${Math.min(...empty).toFixed(1)} ms`, `importing an empty file ${over(emptyFile).best.toFixed(1)} ms more`];
  const note = own.join(", ");
  return [rowOf({ ...row, target, met: ours.best <= LIMITS.importMilliseconds, note }), ...peerRows];
}

/** Fresh processes from the import to the first prediction, whatever each package has to load and build for it. */
async function firstPredictions({ options, peers, log, wanted }: Context): Promise<Row[]> {
  if (![null, "tfjs", "onnxruntime-node"].some((peer) => wanted(SUITE, nameOf(SEQUENCE), peer))) return [];
  log(`${SUITE}: first predictions in fresh Node processes`);
  const sizes = [SEQUENCE.steps, SEQUENCE.features, SEQUENCE.units].map(String);
  const start = (program: string, ...args: readonly string[]) => {
    const command = [process.execPath, programPath(`first-prediction/${program}`), ...args, ...sizes] as const;
    return async () => (await runProgram<{ milliseconds: number }>(command)).milliseconds;
  };
  const others = {
    ...(peers["onnxruntime-node"].available && {
      "onnxruntime-node": start("onnxruntime-node.mjs", moduleUrl(peers, "onnxruntime-node"), await onnxFile()),
    }),
    ...(peers.tfjs.available && {
      tfjs: start("tfjs.mjs", moduleUrl(peers, "tfjs"), moduleUrl(peers, "tfjs", "@tensorflow/tfjs-backend-wasm")),
    }),
  };
  const runs = { native: start("gatewise.mjs", "native"), wasm: start("gatewise.mjs", "wasm"), ...others };
  await inTurns(1, runs);
  const times: Record<string, number[]> = await inTurns(options.quick ? 3 : 20, runs);
  return (["native", "wasm"] as const).flatMap((backend) => {
    const ours = times[backend] ?? [];
    const row = { suite: SUITE, operation: "import to first prediction", shape: nameOf(SEQUENCE), backend };
    const alone = { ours_ms: Math.min(...ours), ours_median_ms: median(ours), runs: ours.length };
    const rows = Object.keys(others).map((peer) => rowOf({ ...row, peer, ...comparison(ours, times[peer] ?? []) }));
    return rows.length > 0 ? rows : [rowOf({ ...row, ...alone })];
  });
}

/** The sequence's model as a file for ONNX Runtime. */
async function onnxFile(): Promise<string> {
  const inputs = new Inputs();
  const { model } = await inputs.of(SEQUENCE);
  const path = join(inputs.folder, "first-prediction.onnx");
  writeFileSync(path, onnxModel({ shape: SEQUENCE, classes: CLASSES, tensors: readTensors(model), states: false }));
  return path;
}

/** The WASM file as it is, and as servers send it. */
function wasmSizes(): Row[] {
  const file = readFileSync(checkout("bindings/wasm/pkg/gatewise_bg.wasm"));
  const sizes = { raw: file, gzip: gzipSync(file, { level: 9 }), brotli: brotliCompressSync(file) };
  return Object.entries(sizes).map(([form, { byteLength }]) =>
    rowOf({
      suite: SUITE,
      operation: `WASM file, ${form}`,
      backend: "wasm",
      figure: { value: Number((byteLength / 1024).toFixed(1)), unit: "KiB" },
    }),
  );
}
