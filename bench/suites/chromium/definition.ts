// The network that both sides of the page run; the file for onnxruntime-web is built from the same.

import { CLASSES, type Shape } from "../../shapes.js";

export const classNames: readonly string[] = Array.from({ length: CLASSES }, (_, index) => `class ${index}`);

/** One LSTM layer and a linear head, with the same weights wherever a model is made of it. */
export function definitionOf({ features, units }: Shape) {
  return {
    input: { features },
    layers: [{ cell: "lstm" as const, units }],
    output: { classes: classNames },
    seed: 1,
  };
}
