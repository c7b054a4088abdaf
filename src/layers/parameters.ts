// A layer's flat vector of weights with some tensors replaced.

import { assertFloats, kindOf } from "../data/buffers.js";
import { GatewiseError } from "../errors.js";
import type { Tensor as TensorDescription } from "../generated/core.js";
import type { Tensor } from "../model/parameters.js";

/** A copy of `weights` in which those of `parameters` stand. Checks all that JavaScript can know; finiteness is the core's. */
export function replaced(
  tensors: readonly TensorDescription[],
  weights: Float32Array,
  parameters: Readonly<Record<string, Float32Array | Tensor>>,
): Float32Array {
  if (kindOf(parameters) !== "an object") {
    throw new GatewiseError("invalid_option", "parameters", `parameters must be an object, not ${kindOf(parameters)}`);
  }
  const copy = weights.slice();
  for (const [name, given] of Object.entries(parameters)) {
    const tensor = tensors.find((tensor) => tensor.name === name);
    if (!tensor) {
      const known = tensors.map(({ name }) => name).join(", ");
      throw new GatewiseError("invalid_option", `parameters.${name}`, `this layer has no "${name}": it has ${known}`);
    }
    copy.set(numbersOf(tensor, given), tensor.offset);
  }
  return copy;
}

function numbersOf({ name, shape, length }: TensorDescription, given: Float32Array | Tensor): Float32Array {
  const path = `parameters.${name}`;
  const isTensor = kindOf(given) === "an object";
  const data: unknown = isTensor ? (given as Tensor).data : given;
  assertFloats(data, isTensor ? `${path}.data` : path);
  const found = isTensor ? `[${String((given as Tensor).shape)}]` : undefined;
  if (data.length !== length || (found !== undefined && found !== `[${String(shape)}]`)) {
    const message = `${name} is [${shape.join(", ")}], ${length} numbers, not ${found ?? ""} ${data.length}`;
    throw new GatewiseError("shape_mismatch", path, message.replace("  ", " "));
  }
  return data;
}
