// How far ONNX Runtime's numbers for an exported model are from our own, in each form in which it may be exported.

import { type Model, type ModelDefinition, type States } from "gatewise";
import { type OnnxOptions, exportOnnx } from "gatewise/formats";
import { Tensor } from "onnxruntime-node";

import { randomNumbers } from "../../facade/support.js";
import { type Measured, errorOf } from "../../vectors/measure.js";
import type { NetworkCase } from "../random-definition.js";
import { type RandomInputs, randomInputs, randomModel } from "../random-model.js";
import { runOnnx } from "./session.js";

type AnyModel = Model<ModelDefinition["output"]>;

/** Both are f32 results, of which `design.md` wants this. */
export const BOUND = 1e-5;

/** Everything that the model's export says, against the model: ragged batches, whole ones, and from given states. */
export async function measureExport(network: NetworkCase): Promise<Measured[]> {
  using model = await randomModel(network.definition, network.seed);
  return [
    ...(await measurePredictions(model, network)),
    ...(await measureWholeSequences(model, network)),
    ...(await measureStates(model, network)),
  ];
}

/** Ragged sequences, with what must not be read in the padding. */
async function measurePredictions(model: AnyModel, network: NetworkCase): Promise<Measured[]> {
  return measure(model, network, randomInputs(network), {});
}

/** Without an input for lengths. */
async function measureWholeSequences(model: AnyModel, network: NetworkCase): Promise<Measured[]> {
  const whole = { ...network, lengths: network.lengths.map(() => network.steps) };
  const { lengths: _, ...inputs } = randomInputs(whole);
  return measure(model, whole, inputs, { lengths: false });
}

/** From random states: the predictions, and the states that sequences end with. */
async function measureStates(model: AnyModel, network: NetworkCase): Promise<Measured[]> {
  const states = model.states(network.lengths.length);
  const random = randomNumbers(network.seed + 2);
  for (let index = 0; index < states.data.length; index++) states.data[index] = random();
  return measure(model, network, randomInputs(network), { states: true }, states);
}

async function measure(
  model: AnyModel,
  { definition, lengths, steps }: NetworkCase,
  inputs: Partial<RandomInputs>,
  options: OnnxOptions,
  states?: States,
): Promise<Measured[]> {
  const n = lengths.length;
  const given = states ? initialStates(definition, states) : {};
  const { layers, input } = definition;
  const output: AnyOutput = definition.output;
  if (states && input.staticsAs === "states") given["begins"] = new Tensor("bool", new Uint8Array(n), [n]);
  const found = await runOnnx(await exportOnnx(model, options), n, inputs, given);
  const name = output.values === undefined ? "probabilities" : "values";
  const { shape, data } = found[name] ?? { shape: [], data: new Float32Array(0) };
  const isEach = output.at === "each";
  const y = new Float32Array(n * (isEach ? steps : 1) * sizeOf(output));
  // Where there is an output at each step, lengths tell how many sequences there are.
  const whole = Uint32Array.from(lengths);
  model.run({ ...inputs, ...(isEach ? { lengths: whole } : {}), ...(states ? { states } : {}) }, y);
  const measured = [errorFrom(`${name} [${shape.join(", ")}] ${JSON.stringify(options)}`, data, y, y.length < FEW ? NEAR_0 : undefined)];
  if (!states) return measured;
  for (const index of layers.keys()) {
    const { hidden, cell } = states.layer(index);
    const final = (tensor: string, expected: Float32Array) => errorFrom(tensor, found[tensor]?.data ?? new Float32Array(0), expected, NEAR_0);
    measured.push(final(`layers.${index}.final_hidden`, hidden));
    if (cell) measured.push(final(`layers.${index}.final_cell`, cell));
  }
  return measured;
}

/**
 * The states of a layer of a few units, or a single value, may all be near 0, as sums whose terms are some tenths and cancel: f32
 * keeps 1e-7 of the terms, not of what is left. They are measured against this at least.
 */
const NEAR_0 = 0.1;
/** Outputs from which on one of them is far enough from 0. */
const FEW = 8;

function errorFrom(tensor: string, found: Float32Array, expected: Float32Array, least?: number): Measured {
  return { tensor, error: errorOf(found, Float64Array.from(expected), least) };
}

function sizeOf({ classes, labels, values = 1, steps = 1, quantiles }: AnyOutput): number {
  return (classes ?? labels)?.length ?? values * steps * (quantiles?.length ?? 1);
}

/** Every field that an output may have. */
interface AnyOutput {
  readonly at?: string | undefined;
  readonly classes?: readonly string[];
  readonly labels?: readonly string[];
  readonly values?: number;
  readonly steps?: number | undefined;
  readonly quantiles?: readonly number[] | undefined;
}

/** The states as the file's inputs. */
export function initialStates({ layers }: ModelDefinition, states: States): Record<string, Tensor> {
  const entries = layers.flatMap(({ bidirectional }, index) => {
    const sides = bidirectional === true ? 2 : 1;
    const { hidden, cell } = states.layer(index);
    const tensor = (name: string, data: Float32Array): [string, Tensor] => {
      return [`layers.${index}.${name}`, new Tensor("float32", data, [sides, states.n, data.length / sides / states.n])];
    };
    return [tensor("initial_hidden", hidden), ...(cell ? [tensor("initial_cell", cell)] : [])];
  });
  return Object.fromEntries(entries);
}
