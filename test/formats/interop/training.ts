// A checkpoint of PyTorch's that training goes on from here, and one of ours that it goes on from there: the next ten losses.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { type BackendName, type FitOptions, type History, type LabelledData, type Model, type Optimizer, type OptimizerState } from "gatewise";
import { encodePyTorch, inferDefinition, loadPretrained, optimizerFromPyTorch, optimizerToPyTorch, readPyTorch } from "gatewise/formats";

import { readSafetensors } from "../../vectors/safetensors.js";

const FOLDER = fileURLToPath(new URL("../../vectors/interop/training/", import.meta.url));
const CHECKPOINT = join(FOLDER, "checkpoint.pt");

/** What has to be said of it. */
export const HINTS = { output: { classes: ["0", "1", "2"], at: "last" } } as const;
type Class = (typeof HINTS.output.classes)[number];

const { tensors } = readSafetensors(join(FOLDER, "training.safetensors"));
const numbers = (name: string) => tensors.get(name) ?? { shape: [], data: new Float64Array(0) };
const [x, lengths, targets] = [numbers("x"), numbers("lengths").data, numbers("targets").data];

/** Two batches of eight, ragged. */
const data: LabelledData<Class> = {
  x: Float32Array.from(x.data),
  shape: x.shape as [number, number, number],
  lengths: Uint32Array.from(lengths),
  targets: Array.from(targets, (index) => HINTS.output.classes[index] as Class),
};

/** Of PyTorch's next ten steps. */
export const expectedLosses: readonly number[] = [...numbers("losses").data];

/** Ten steps, over the batches in their order. */
const TEN_STEPS = { epochs: 5, batchSize: 8, shuffle: false, keepOptimizerState: true } as const satisfies FitOptions<Class>;

/** A training that goes on here. */
interface Resumed extends Disposable {
  readonly model: Model<Class>;
  readonly optimizer: Optimizer;
  readonly optimizerState: OptimizerState | undefined;
  /** PyTorch's names of the model's parameters, in its optimiser's order, and ours of the same. */
  readonly names: ReadonlyMap<string, string>;
}

/** The model and the optimiser of PyTorch's checkpoint. */
export async function resume(backend: BackendName): Promise<Resumed> {
  const model: Model<Class> = await loadPretrained(CHECKPOINT, { ...HINTS, backend });
  const { map } = await inferDefinition(CHECKPOINT, HINTS);
  const ours = Object.keys(model.parameters());
  const theirs = Object.keys(await model.stateDict({ map }));
  const file = await readPyTorch(CHECKPOINT);
  // The optimiser was given the parameters in the order of the state dict.
  const order = [...file.tensors("model").keys()];
  const names = new Map(order.map((name) => [name, ours[theirs.indexOf(name)] ?? name]));
  const imported = await optimizerFromPyTorch(file.optimizer, [...names.values()]);
  await file.close();
  return { model, ...imported, names, [Symbol.dispose]: () => model.dispose() };
}

/** Ten more steps: their losses, and what the optimiser knows then. */
export async function tenSteps({ model, optimizer, optimizerState }: Resumed): Promise<History<Class>> {
  return model.fit(data, { optimizer, optimizerState, ...TEN_STEPS });
}

/** Writes a training that has gone on here as training.py reads it: `ours.pt` and `batches.pt`. */
export async function writeCheckpoint(folder: string, { model, optimizer, names }: Resumed, optimizerState: OptimizerState | undefined): Promise<void> {
  const { map } = await inferDefinition(CHECKPOINT, HINTS);
  const checkpoint = {
    model: await model.stateDict({ map }),
    optimizer: optimizerToPyTorch({ optimizer, optimizerState }, [...names.values()]),
  };
  writeFileSync(join(folder, "ours.pt"), encodePyTorch(checkpoint));
  const batches = {
    x: { shape: x.shape, data: Float32Array.from(x.data) },
    lengths: { shape: [lengths.length], data: BigInt64Array.from(lengths, BigInt) },
    targets: { shape: [targets.length], data: BigInt64Array.from(targets, BigInt) },
  };
  writeFileSync(join(folder, "batches.pt"), encodePyTorch(batches));
}

/** The largest difference of a loss, relative to it. */
export function lossError(losses: readonly number[], expected: readonly number[]): number {
  if (losses.length !== expected.length) return Infinity;
  return Math.max(...losses.map((loss, step) => Math.abs(loss / (expected[step] ?? Number.NaN) - 1)));
}
