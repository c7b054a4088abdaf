// The page in which Gatewise's WebAssembly and its peers take turns. The suite calls `measureInference` and
// `measureTraining`; nothing but the engines runs here.

import { type Model, createModel, defineModel } from "gatewise";

import { CLASSES, type Shape } from "../../shapes.js";
import { classNames, definitionOf } from "./definition.js";
import { OnnxSession } from "./onnxruntime-web.js";
import { PausedFit } from "../../workers/paused-fit.js";
import { type Batch, TfjsModel, openTfjs } from "./tfjs.js";

/** Milliseconds of both sides, turn by turn, and how far apart their results were before. */
export interface Turns {
  readonly ours: number[];
  readonly peer: number[];
  /** See the functions that give it. */
  readonly difference: number;
}

/** Adam's epsilon is larger than usual: rounding in gradients near zero would otherwise decide the step's sign. */
const TRAINING = { learningRate: 1e-3, epsilon: 1e-3, clipNorm: 1 };

/** Turns that are not counted: compilers and caches get ready. */
const WARM_UP = 2;

/** What a turn is: milliseconds of it. */
type Turn = () => Promise<number>;

/** The peer predicts the batch, and we do. `difference` is the largest of any probability. */
export async function measureInference(shape: Shape, peer: "tfjs" | "onnxruntime-web", turns: number): Promise<Turns> {
  const problem = problemOf(shape);
  const model = await modelOf(shape);
  const other =
    peer === "tfjs" ? new TfjsModel(model, shape, problem, TRAINING) : await OnnxSession.open(shape, problem.x);
  const y = new Float32Array(shape.batch * CLASSES);
  const difference = largestDifference(model.run(problem.x, y), await other.predict());
  const ours = timed(() => model.run(problem.x, y));
  const times = await takeTurns(turns, ours, timed(() => other.predict()));
  other.dispose();
  model.dispose();
  return { ...times, difference };
}

/** tfjs does a training step, and we do. `difference` is the largest of any weight's first step over the learning rate. */
export async function measureTraining(shape: Shape, turns: number): Promise<Turns> {
  const problem = problemOf(shape);
  const { batch, steps, features } = shape;
  const data = { x: problem.x, shape: [batch, steps, features] as const, targets: problem.targets };
  const optimizer = { kind: "adam", learningRate: TRAINING.learningRate, epsilon: TRAINING.epsilon } as const;
  const options = { batchSize: batch, clipNorm: TRAINING.clipNorm, optimizer };

  const model = await modelOf(shape);
  const tfjs = new TfjsModel(model, shape, problem, TRAINING);
  await model.fit(data, { ...options, epochs: 1 });
  tfjs.step();
  const parameters = model.parameters();
  const differences = Object.entries(tfjs.matrices()).map(([name, theirs]) =>
    largestDifference(parameters[name]?.data ?? new Float32Array(), theirs),
  );

  const fit = new PausedFit(model, data, options);
  const times = await takeTurns(turns, () => fit.run(1), timed(() => tfjs.step()));
  tfjs.dispose();
  model.dispose(); // the fit waits for ever, its worker goes with the page
  return { ...times, difference: Math.max(...differences) / TRAINING.learningRate };
}

function timed(work: () => unknown): Turn {
  return async () => {
    const began = performance.now();
    await work();
    return performance.now() - began;
  };
}

/** One engine, the other, the first again, … */
async function takeTurns(turns: number, ours: Turn, peer: Turn): Promise<Pick<Turns, "ours" | "peer">> {
  const times = { ours: [] as number[], peer: [] as number[] };
  for (let turn = -WARM_UP; turn < turns; turn++) {
    const pair = [await ours(), await peer()] as const;
    if (turn < 0) continue;
    times.ours.push(pair[0]);
    times.peer.push(pair[1]);
  }
  return times;
}

function modelOf(shape: Shape): Promise<Model> {
  return createModel(defineModel(definitionOf(shape)), { backend: "wasm" });
}

/** Numbers from -1 to 1 and classes in turn. */
function problemOf({ batch, steps, features }: Shape): Batch & { readonly targets: readonly string[] } {
  let state = 1;
  const random = () => {
    // Marsaglia's xorshift with 32 bits.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / 2 ** 31;
  };
  const x = Float32Array.from({ length: batch * steps * features }, random);
  const targets = Array.from({ length: batch }, (_, sample) => classNames[sample % CLASSES] ?? "");
  const labels = Float32Array.from(targets.flatMap((target) => classNames.map((name) => Number(name === target))));
  return { x, targets, labels };
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) throw new Error(`${a.length} numbers against ${b.length}`);
  return a.reduce((largest, value, index) => Math.max(largest, Math.abs(value - (b[index] ?? Number.NaN))), 0);
}

const functions = { measureInference, measureTraining };
/** What the suite finds in the page's global scope. */
export type PageFunctions = typeof functions;

await openTfjs();
Object.assign(globalThis, functions);
