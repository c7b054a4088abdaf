// brain.js, which is JavaScript alone: one sequence at a time, at small shapes, shown with its caveat and without a target.

import { type Contest, contestSuite } from "../comparison.js";
import { shape } from "../shapes.js";

const SHAPES = [shape(1, 24, 8, 32), shape(1, 28, 28, 128)];

export const brain = contestSuite("brain.js", (quick) => {
  const shapes = quick ? SHAPES.slice(0, 1) : SHAPES;
  const common = { suite: "brain.js", threads: 1, backend: "native", peers: ["brain.js"] } as const;
  return (["inference", "training step"] as const).flatMap((operation) => shapes.map((shape): Contest => Object.assign({ operation, shape }, common)));
});
