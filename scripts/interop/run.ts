// `npm run interop`: random models from PyTorch to here, from here to PyTorch and to ONNX Runtime, and training that goes on on the
// other side. Fails where an error is above its bound, a bit is lost, or a kind of layer went unproved.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import type { Conversion } from "../../test/formats/conversions.js";
import { Cases } from "../../test/formats/interop/cases.js";
import { checkInbound } from "../../test/formats/interop/inbound.js";
import { FORMS, compare, drawn, kinds, rowsOfOutbound, seams, write } from "../../test/formats/interop/outbound.js";
import { expectedLosses, lossError, resume, tenSteps, writeCheckpoint } from "../../test/formats/interop/training.js";
import { Problem } from "../setup/problem.mjs";
import { pageOf } from "./page.js";
import { requirePyTorch, runPython } from "./python.mjs";
import { type Conversions, type TrainingRow, beyond, missing, rowsOf, typesOf } from "./rows.js";

const HELP = `npm run interop -- [options]: models from PyTorch to here and back, to ONNX, and training that goes on

  --cases N     random models each way, beside one of each kind; 400 unless given
  --seed S      what they are drawn from; 1 unless given
  --json FILE   write the rows there
  --write       write docs/conversions.json and docs/conversions.md anew
  --help        this

Needs a Python with PyTorch: GATEWISE_PYTHON, or python3.`;

const root = fileURLToPath(new URL("../..", import.meta.url));

interface Found {
  readonly models: number;
  readonly conversions: readonly Conversion[];
  readonly complaints: readonly string[];
}

/** Models of PyTorch's. */
async function inbound(python: string, folder: string, count: number, seed: number): Promise<Found & { readonly torch: string }> {
  process.stdout.write(runPython(python, "generate.py", ["--out", folder, "--cases", String(count), "--seed", String(seed)]));
  const cases = new Cases(folder);
  const found = [];
  for (const one of cases.all) found.push(await checkInbound(cases, one));
  const asked = found.filter(({ asked }) => asked).length;
  console.log(`${found.length} models of PyTorch's here; of ${asked} the map was asked for`);
  return { torch: cases.torch, models: found.length, conversions: found.flatMap(({ rows }) => rows), complaints: found.flatMap(({ complaints }) => complaints) };
}

/** Models of ours in PyTorch. */
async function outbound(python: string, folder: string, count: number, seed: number): Promise<Found> {
  const one = [...kinds(), ...seams()];
  const networks = [...FORMS.flatMap((form) => one.map((network) => [form, network] as const)), ...drawn(count, seed).map((network, index) => [FORMS[index % 2] ?? "pt", network] as const)];
  const written = await write(folder, networks);
  const results = await compare(folder, written, JSON.parse(runPython(python, "check.py", [folder])) as Record<string, string>);
  console.log(`${results.length} models of ours in PyTorch`);
  const complaints = results.filter(({ complaint }) => complaint !== "").map(({ complaint, form, network }) => `${form}: ${complaint}: ${JSON.stringify(network)}`);
  return { models: results.length, conversions: results.flatMap(rowsOfOutbound), complaints };
}

/** Models of ours in ONNX Runtime: the tests record what they find. */
function onnx(folder: string): Found {
  const file = join(folder, "onnx.jsonl");
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const { status, stdout, stderr } = spawnSync(process.execPath, [vitest, "run", "test/formats/onnx/table.test.ts"], { cwd: root, encoding: "utf8", env: { ...process.env, GATEWISE_CONVERSIONS: file } });
  const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
  console.log(`${lines.length} models of ours in ONNX Runtime`);
  return { models: lines.length, conversions: lines.map((line) => JSON.parse(line) as Conversion), complaints: status === 0 ? [] : [`ONNX: ${stdout}${stderr}`] };
}

/** PyTorch's checkpoint goes on here, and what it comes to goes on there. */
async function training(python: string, folder: string): Promise<TrainingRow[]> {
  using resumed = await resume("native");
  const here = await tenSteps(resumed);
  await writeCheckpoint(folder, resumed, here.optimizerState);
  const there = JSON.parse(runPython(python, "training.py", ["--go-on", folder])) as number[];
  const next = await tenSteps({ ...resumed, optimizerState: here.optimizerState });
  const optimizer = resumed.optimizer.kind;
  return [
    { optimizer, direction: "in", error: lossError(here.losses, expectedLosses) },
    { optimizer, direction: "out", error: lossError(next.losses, there) },
  ];
}

async function measure(count: number, seed: number): Promise<Conversions & { readonly complaints: readonly string[] }> {
  const python = requirePyTorch();
  const folder = mkdtempSync(join(tmpdir(), "gatewise-interop-"));
  const within = (name: string) => {
    mkdirSync(join(folder, name));
    return join(folder, name);
  };
  try {
    const { torch, ...into } = await inbound(python, within("in"), count, seed);
    const found = [into, await outbound(python, within("out"), count, seed), onnx(folder)];
    const conversions = found.flatMap((part) => part.conversions);
    const { version } = JSON.parse(readFileSync(join(root, "node_modules/onnxruntime-node/package.json"), "utf8")) as { version: string };
    return {
      torch,
      onnxruntime: version,
      seed,
      models: found.reduce((sum, { models }) => sum + models, 0),
      rows: rowsOf(conversions),
      types: typesOf(conversions),
      training: await training(python, within("training")),
      complaints: found.flatMap((part) => part.complaints),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function count(text: string, option: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new Problem(`--${option} wants a whole number, not ${text}.`);
}

async function main(): Promise<void> {
  const options = { cases: { type: "string", default: "400" }, seed: { type: "string", default: "1" }, json: { type: "string" }, write: { type: "boolean" }, help: { type: "boolean" } } as const;
  const { values } = parseArgs({ options });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const { complaints, ...conversions } = await measure(count(values.cases, "cases"), count(values.seed, "seed"));
  const text = `${JSON.stringify(conversions, undefined, 2)}\n`;
  if (values.json !== undefined) writeFileSync(values.json, text);
  const wrong = [...complaints, ...beyond(conversions), ...missing(conversions.rows).map((kind) => `no model has proved ${kind}`)];
  const worst = Math.max(...conversions.rows.map(({ error }) => error));
  console.log(`\n${conversions.rows.length} kinds of layer by format, the largest error ${worst.toExponential(1)}; ${wrong.length} wrong`);
  for (const line of wrong) console.log(`  ${line}`);
  if (wrong.length > 0) process.exitCode = 1;
  else if (values.write) {
    writeFileSync(join(root, "docs/conversions.json"), text);
    writeFileSync(join(root, "docs/conversions.md"), pageOf(conversions));
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
