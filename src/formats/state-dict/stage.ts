// The weights of a model with a state dict's numbers in them, made aside: nothing of the model changes here. Keys and shapes are
// compared before any number is read.

import { GatewiseError } from "../../errors.js";
import type { Tensor as TensorDescription } from "../../generated/core.js";
import { isSameShape } from "../../shape.js";
import { isSame } from "./infer.js";
import type { Renamed, RenamedState } from "./map.js";

/** Keys that did not meet, as PyTorch's `load_state_dict` tells them. */
export interface LoadedState {
  /** The model's tensors that were not there: they are as they were. */
  readonly missing: readonly string[];
  /** Tensors that the model has no place for, by the names that they came with. */
  readonly unexpected: readonly string[];
}

/** What is done with keys and numbers that are not as they should be. */
export interface Strictness {
  /** Whether missing and unexpected keys are an error. */
  readonly strict: boolean;
  /** Whether numbers may be NaN or infinite. */
  readonly allowNotFinite: boolean;
}

/** Weights, and which of them are the model's own still. */
export interface StagedState extends LoadedState {
  /** Every tensor, one after the other; those that are missing are not filled. */
  readonly weights: Float32Array;
  readonly allowNotFinite: boolean;
}

/**
 * @param model the model's tensors, as the core describes them
 * @throws {GatewiseError} `state_mismatch` with all missing and unexpected keys and all other shapes; `not_finite`; whatever
 * reading a tensor throws
 */
export async function stageState(state: RenamedState, model: readonly TensorDescription[], { strict, allowNotFinite }: Strictness): Promise<StagedState> {
  const { tensors } = state;
  const ours = new Map(model.map((tensor) => [tensor.name, tensor]));
  const missing = model.filter(({ name }) => !tensors.has(name)).map(({ name }) => name);
  const sharing = sharedHead(tensors, ours);
  const extra = Array.from(tensors).filter(([name]) => !ours.has(name) && !(sharing && name === "output.weight"));
  const mismatches = model.flatMap(({ name, shape }) => otherShape(name, shape, tensors.get(name)));
  if (mismatches.length > 0 || (strict && missing.length + extra.length > 0)) {
    throw mismatch(missing, extra, mismatches, state.questions);
  }
  if (sharing && !(await isSame(...sharing))) {
    throw new GatewiseError("state_mismatch", sharing[1].source, `${sharing[1].source} is not the embeddings, as the model's output.tied says: leave tied out of its definition`);
  }
  const weights = new Float32Array(model.reduce((end, { offset, length }) => Math.max(end, offset + length), 0));
  for (const { name, offset, length } of model) {
    const found = tensors.get(name);
    if (found) weights.set(await numbersOf(found, name, length, allowNotFinite), offset);
  }
  return { weights, allowNotFinite, missing, unexpected: extra.map(([, { source }]) => source) };
}

/** The embeddings and the head's weight, where the model's head has the embeddings' and the file holds both. */
function sharedHead(tensors: RenamedState["tensors"], ours: ReadonlyMap<string, TensorDescription>): [Renamed, Renamed] | undefined {
  const [embedding, head] = [tensors.get("embedding.weight"), tensors.get("output.weight")];
  const tied = ours.has("embedding.weight") && ours.has("output.bias") && !ours.has("output.weight");
  return tied && embedding && head ? [embedding, head] : undefined;
}

function otherShape(name: string, expected: readonly number[], found: Renamed | undefined): { source: string; text: string }[] {
  if (!found || fits(name, found.tensor.shape, expected)) return [];
  return [{ source: found.source, text: `${called(name, found)} is [${found.tensor.shape.join(", ")}], the model's is [${expected.join(", ")}]` }];
}

/** The score of attention is a vector here, and often an `nn.Linear` with one output in PyTorch. */
function fits(name: string, shape: readonly number[], expected: readonly number[]): boolean {
  const given = name === "attention.score" && shape.length === 2 && shape[0] === 1 ? shape.slice(1) : shape;
  return isSameShape(given, expected);
}

function called(name: string, { source }: Renamed): string {
  return source === name ? source : `${source} (${name})`;
}

function mismatch(missing: readonly string[], extra: readonly (readonly [string, Renamed])[], shapes: readonly { source: string; text: string }[], questions: readonly string[]): GatewiseError {
  const sentences = [
    ...(missing.length > 0 ? [`missing: ${missing.join(", ")}`] : []),
    ...(extra.length > 0 ? [`unexpected: ${extra.map(([name, tensor]) => called(name, tensor)).join(", ")}`] : []),
    ...(shapes.length > 0 ? [`other shapes: ${shapes.map(({ text }) => text).join("; ")}`] : []),
    ...questions,
  ];
  const places = [...shapes.map(({ source }) => source), ...missing, ...extra.map(([, { source }]) => source)];
  const advice = missing.length + extra.length > 0 ? "map says where modules belong, strict: false passes over missing and unexpected ones" : "the model's definition has other sizes";
  return new GatewiseError("state_mismatch", places[0] ?? "", `the tensors are not the model's: ${sentences.join(". ")} (${advice})`);
}

async function numbersOf(found: Renamed, name: string, length: number, allowNotFinite: boolean): Promise<Float32Array> {
  const numbers = await found.tensor.read();
  if (numbers.length !== length) {
    throw new GatewiseError("state_mismatch", found.source, `${called(name, found)} gave ${numbers.length} numbers, its shape says ${length}`);
  }
  const index = allowNotFinite ? -1 : numbers.findIndex((value) => !Number.isFinite(value));
  if (index < 0) return numbers;
  const message = `number ${index} of ${called(name, found)} is ${numbers[index]}, and weights are finite: allowNotFinite loads it all the same`;
  throw new GatewiseError("not_finite", found.source, message);
}
