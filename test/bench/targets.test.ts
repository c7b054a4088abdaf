// The targets, as the table of what the engine must reach has them.

import { describe, expect, it } from "vitest";

import { SHAPES, shape } from "../../bench/shapes.js";
import { type Question, peakTargetOf, targetOf } from "../../bench/targets.js";

const SMALL = shape(64, 28, 28, 128);
const ONE_64 = shape(1, 100, 16, 64);
const ONE_256 = shape(1, 256, 64, 256);
const RAGGED = shape(64, 128, 64, 256, { ragged: true });
const STEP_64 = shape(1, 1, 16, 64);

function textOf(operation: Question["operation"], of = SMALL, peer = "pytorch", threads = 1, backend: Question["backend"] = "native") {
  return targetOf({ operation, shape: of, peer, threads, backend })?.text;
}

describe("targets", () => {
  it("are those of the table", () => {
    expect(textOf("inference")).toBe("≥ 1.15 or 85 % of peak");
    expect(textOf("inference", SMALL, "onnxruntime-node", 2)).toBe("≥ 1.15 or 85 % of peak");
    expect(textOf("forward and backward")).toBe("≥ 1.3 or 80 % of peak");
    expect(textOf("forward and backward", SMALL, "pytorch", 2)).toBe("≥ 1.4 or 80 % of peak");
    expect(textOf("training step")).toBe("≥ 1.3 or 78 % of peak");
    expect(textOf("training step", ONE_64)).toBe(4);
    expect(textOf("training step", ONE_256)).toBe(1.8);
    expect(textOf("training step", RAGGED)).toBe(2.5);
    expect(textOf("streaming step", STEP_64, "onnxruntime-node")).toBe(4);
    expect(textOf("streaming step", shape(1, 1, 64, 256), "onnxruntime-node")).toBe(1.5);
    expect(textOf("inference", SMALL, "onnxruntime-web", 1, "wasm")).toBe(1.3);
    expect(textOf("training step", SMALL, "tfjs", 1, "wasm")).toBe(14);
  });

  it("let no shape be slower than any peer where the table says nothing else", () => {
    expect(textOf("inference", ONE_64)).toBe(1);
    expect(textOf("forward and backward", ONE_64)).toBe(1);
    expect(textOf("streaming step", STEP_64, "pytorch")).toBe(1);
    expect(textOf("streaming step", STEP_64, "onnxruntime-web", 1, "wasm")).toBe(1);
  });

  it("ask nothing against brain.js, which computes something else", () => {
    expect(textOf("inference", shape(1, 28, 28, 128), "brain.js")).toBeUndefined();
  });

  it("are met by the ratio or by the part of the peak, whichever is less", () => {
    const target = targetOf({ operation: "inference", shape: SMALL, peer: "pytorch", threads: 1, backend: "native" });
    expect(target?.met({ ratio: 1.15, percentOfPeak: 10 })).toBe(true);
    expect(target?.met({ ratio: 1.02, percentOfPeak: 85 })).toBe(true);
    expect(target?.met({ ratio: 1.14, percentOfPeak: 84.9 })).toBe(false);
  });

  it("ask for a part of the peak itself of one thread and 256 units or more", () => {
    const large = SHAPES.filter(({ units }) => units >= 256);
    for (const shape of large) {
      expect(peakTargetOf({ operation: "inference", shape, threads: 1 })?.met({ percentOfPeak: 90 })).toBe(true);
      expect(peakTargetOf({ operation: "forward and backward", shape, threads: 1 })?.met({ percentOfPeak: 74 })).toBe(false);
      expect(peakTargetOf({ operation: "inference", shape, threads: 2 })).toBeUndefined();
    }
    expect(large).toHaveLength(4);
    expect(peakTargetOf({ operation: "inference", shape: SMALL, threads: 1 })).toBeUndefined();
    expect(peakTargetOf({ operation: "training step", shape: RAGGED, threads: 1 })).toBeUndefined();
  });
});
