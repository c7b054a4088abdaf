// What a forward pass drops, as the core takes it. Checks what only JavaScript can know; which masks a layer takes, their
// lengths and their numbers are the core's to judge.

import { assertFloats, kindOf } from "../data/buffers.js";
import { GatewiseError } from "../errors.js";
import type { LayerBatch, LayerMasks } from "./types.js";

/** How masks come about, and those that are given. */
export interface Dropping {
  readonly way: "expected" | "drawn" | "given";
  readonly masks: LayerMasks;
}

const MASKS: ReadonlySet<string> = new Set<keyof LayerMasks>(["recurrent", "keepHidden", "keepCell", "weight"]);

export function prepareDropping({ training, masks }: Pick<LayerBatch, "training" | "masks">): Dropping {
  if (training !== undefined && typeof training !== "boolean") {
    throw new GatewiseError("invalid_option", "training", `training must be true or false, not ${kindOf(training)}`);
  }
  if (masks === undefined) return { way: training ? "drawn" : "expected", masks: {} };
  if (training !== undefined) {
    throw new GatewiseError("invalid_option", "masks", "masks are a training step already: give either them or training");
  }
  if (kindOf(masks) !== "an object") {
    throw new GatewiseError("invalid_option", "masks", `masks must be an object, not ${kindOf(masks)}`);
  }
  for (const [name, mask] of Object.entries(masks)) {
    const path = `masks.${name}`;
    if (!MASKS.has(name)) throw new GatewiseError("invalid_option", path, `there is no mask "${name}": there are ${[...MASKS].join(", ")}`);
    if (mask !== undefined) assertFloats(mask, path);
  }
  return { way: "given", masks };
}
