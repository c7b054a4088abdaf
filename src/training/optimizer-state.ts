// What an optimiser knows beside its options, as callers have it: named tensors; and as the core takes and gives it: names, and
// all numbers in one array. Knows shapes; which parameters there are, and what is kept of them, is the core's to judge.

import type { OptimizerRecord } from "../backend/backend.js";
import { assertFloats, kindOf } from "../data/buffers.js";
import { GatewiseError } from "../errors.js";
import type { OptimizerContents, OptimizerKind, OptimizerSlot } from "../generated/core.js";
import { fromJson, toJson } from "../json.js";
import type { Tensor } from "../model/parameters.js";
import { countOf } from "../shape.js";

/**
 * What an optimiser knows after its last step, as plain data: `fit({ optimizerState })` begins with it, and
 * `fit({ keepOptimizerState: true })` gives it as `history.optimizerState`.
 *
 * The names of what is kept are PyTorch's: `exp_avg` and `exp_avg_sq` (the moments of Adam and AdamW; Lion has the first),
 * `max_exp_avg_sq` (with `amsgrad`), `momentum_buffer` (SGD and RMSprop with momentum), `square_avg` and `grad_avg` (RMSprop;
 * the latter where it is centred).
 *
 * @example
 * ```ts
 * const { optimizerState } = await model.fit(data, { epochs: 5, keepOptimizerState: true });
 * optimizerState?.step; // 160
 * optimizerState?.parameters["output.weight"]?.["exp_avg"]; // { shape: [2, 64], data: Float32Array(128) }
 * ```
 */
export interface OptimizerState {
  /** Which optimiser it is of. */
  readonly kind: OptimizerKind;
  /** Steps taken: Adam's correction of its moments depends on them. */
  readonly step: number;
  /**
   * By the names of `model.parameters()`, and by what is kept: of each parameter that is trained as many numbers as it has, in its
   * shape. Frozen parameters may be left out.
   */
  readonly parameters: Readonly<Record<string, KeptOfParameter>>;
}

/** What is kept of one parameter. */
export type KeptOfParameter = Readonly<Partial<Record<OptimizerSlot, Tensor>>>;

const PATH = "options.optimizerState";

/** The core's form of a state, its numbers copied. Fails where it is none. */
export function recordOf(state: OptimizerState): OptimizerRecord {
  assertObject(state, PATH);
  const { kind, step, parameters, ...unknown }: Partial<OptimizerState> = state;
  const field = Object.keys(unknown)[0];
  if (field !== undefined) refuse(`${PATH}.${field}`, "there is no such field: use kind, step and parameters");
  assertObject(parameters, `${PATH}.parameters`);
  const given = Object.entries(parameters).flatMap(([parameter, slots]) => {
    const path = `${PATH}.parameters[${JSON.stringify(parameter)}]`;
    assertObject(slots, path);
    return Object.entries(slots).map(([slot, tensor]) => {
      const { shape, data } = checked(tensor, `${path}.${slot}`);
      return { parameter, slot, shape, data };
    });
  });
  const tensors = given.map(({ parameter, slot, shape }) => ({ parameter, slot, shape }));
  const numbers = new Float32Array(given.reduce((sum, { data }) => sum + data.length, 0));
  let at = 0;
  for (const { data } of given) {
    numbers.set(data, at);
    at += data.length;
  }
  return { contents: toJson({ kind, step, tensors }), numbers };
}

/** A state by names, out of what the core gave. */
export function stateOf({ contents, numbers }: OptimizerRecord): OptimizerState {
  const { kind, step, tensors } = fromJson<OptimizerContents>(contents);
  const parameters: Record<string, Partial<Record<string, Tensor>>> = {};
  let at = 0;
  for (const { parameter, slot, shape } of tensors) {
    const end = at + countOf(shape);
    (parameters[parameter] ??= {})[slot] = { shape, data: numbers.slice(at, end) };
    at = end;
  }
  return { kind, step, parameters };
}

function checked(tensor: unknown, path: string): Tensor {
  assertObject(tensor, path);
  const { shape, data } = tensor as Partial<Tensor>;
  if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size >= 0 && size < 2 ** 32)) {
    refuse(`${path}.shape`, "give a list of whole numbers from 0 on");
  }
  assertFloats(data, `${path}.data`);
  const size = countOf(shape as number[]);
  if (data.length === size) return { shape: shape as number[], data };
  const message = `it has ${data.length} numbers, its shape [${shape}] has ${size}`;
  throw new GatewiseError("shape_mismatch", `${path}.data`, message);
}

function assertObject(value: unknown, path: string): asserts value is object {
  if (kindOf(value) !== "an object") refuse(path, `give an object, not ${kindOf(value)}: what \`history.optimizerState\` is`);
}

function refuse(path: string, message: string): never {
  throw new GatewiseError("invalid_option", path, message);
}
