// What the engine has to reach: the one place where it is written.

import type { Shape } from "./shapes.js";
import type { Operation } from "./workers/protocol.js";

/** A goal and whether a measurement meets it. */
export interface Target {
  /** A bare ratio, or words where there is another way to meet it. */
  readonly text: number | string;
  readonly met: (measured: Measured) => boolean;
}

export interface Measured {
  /** The peer's time ÷ ours. */
  readonly ratio?: number | undefined;
  /** Our part of the peak of all cores that took part, in percent. */
  readonly percentOfPeak?: number | undefined;
}

export interface Question {
  readonly operation: Operation;
  readonly shape: Shape;
  readonly threads: number;
  readonly backend: "native" | "wasm" | "core";
  readonly peer: string;
}

/** No shape may be slower than any peer, where nothing more is asked. */
const NOT_SLOWER = atLeast(1);

/** The target against a peer; undefined for peers that are shown and no goals, such as brain.js. */
export function targetOf(question: Question): Target | undefined {
  if (question.peer === "brain.js") return undefined;
  if (question.backend === "wasm") return wasmTarget(question);
  if (question.shape.ragged && question.operation !== "inference") return atLeast(2.5);
  switch (question.operation) {
    case "inference":
      return question.shape.batch >= 32 ? atLeast(1.15, 85) : NOT_SLOWER;
    case "forward and backward":
      if (question.shape.batch < 32) return NOT_SLOWER;
      return atLeast(question.threads === 1 ? 1.3 : 1.4, 80);
    case "training step":
      return trainingTarget(question.shape);
    case "streaming step":
      if (question.peer !== "onnxruntime-node") return NOT_SLOWER;
      return atLeast(question.shape.units >= 256 ? 1.5 : 4);
  }
}

/** The target against the machine itself, of one thread; undefined where there is none. */
export function peakTargetOf({ operation, shape, threads }: Pick<Question, "operation" | "shape" | "threads">): Target | undefined {
  if (threads !== 1 || shape.units < 256) return undefined;
  if (operation === "inference") return percentOfPeak(90);
  return operation === "forward and backward" ? percentOfPeak(75) : undefined;
}

function trainingTarget(shape: Shape): Target {
  if (shape.layer.cell === "gru") return atLeast(shape.units >= 256 ? 1.4 : 2);
  if (shape.layer.cell === "rnn") return atLeast(1.8);
  if (shape.layer.projection !== undefined && shape.units < 256) return atLeast(1.8);
  if (shape.bidirectional) return atLeast(1.5);
  if (shape.batch > 1) return atLeast(1.3, 78);
  return atLeast(shape.units >= 256 ? 1.8 : 4);
}

function wasmTarget({ operation, peer }: Question): Target {
  if (operation === "inference" && peer === "onnxruntime-web") return atLeast(1.3);
  return operation === "training step" && peer === "tfjs" ? atLeast(14) : NOT_SLOWER;
}

/** A ratio of at least `least`, or that part of the peak where the peer itself is near it. */
function atLeast(least: number, orPercent?: number): Target {
  if (orPercent === undefined) return { text: least, met: ({ ratio }) => ratio !== undefined && ratio >= least };
  return {
    text: `≥ ${least} or ${orPercent} % of peak`,
    met: ({ ratio, percentOfPeak }) => (ratio !== undefined && ratio >= least) || (percentOfPeak ?? 0) >= orPercent,
  };
}

function percentOfPeak(percent: number): Target {
  return { text: `≥ ${percent} % of peak`, met: ({ percentOfPeak }) => (percentOfPeak ?? 0) >= percent };
}

/** What the other suites' figures have to keep to. */
export const LIMITS = {
  /** Milliseconds of importing the package, over Node's own start. */
  importMilliseconds: 5,
  /** Part of the bare core's time that facade and binding add to it, training 64,28,28,128. */
  facadeOverhead: 0.02,
  /** Part of a whole training run, 64,28,28,128, that passes in the core. */
  coreShare: 0.95,
  /** Peak memory of training 64,128,64,256, as a multiple of what the backward pass must keep; also below PyTorch's. */
  memory: 1.3,
  /** Allocations a step. */
  allocations: 0,
} as const;
