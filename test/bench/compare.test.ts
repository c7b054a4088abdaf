// Whether two engines computed the same: what passes and what must not.

import { describe, expect, it } from "vitest";

import { differenceOf, errorOf } from "../../bench/compare.js";
import { onnxModel } from "../../bench/workers/onnx-graph.js";
import { bytes, integer } from "../../bench/workers/protobuf.js";
import { shape } from "../../bench/shapes.js";

const numbers = (...values: number[]) => Float32Array.from(values);

describe("comparing results", () => {
  it("measures the largest error over the reference's largest number", () => {
    expect(errorOf(numbers(1, 2), numbers(1, 2))).toBe(0);
    expect(errorOf(numbers(1, 3), numbers(1, 2))).toBe(0.5);
    // Numbers that are all small: an absolute error.
    expect(errorOf(numbers(0, 0), numbers(0, 2 ** -20))).toBeCloseTo(2 ** -20 / 1e-3);
  });

  it("lets nothing pass that is no number, is missing, or has another length", () => {
    for (const results of [numbers(1, NaN), numbers(NaN, 2), numbers(1), numbers(1, 2, 3), numbers(1, Infinity)]) {
      expect(differenceOf(new Map([["loss", results]]), new Map([["loss", numbers(1, 2)]]), 0.1)).toContain("loss differs");
    }
    expect(differenceOf(new Map(), new Map([["loss", numbers(1)]]), 0.1)).toBe("gives no loss");
    expect(differenceOf(new Map([["loss", numbers(1)]]), new Map(), 0.1)).toContain("nothing to compare");
    expect(differenceOf(new Map([["loss", numbers(1)]]), new Map([["loss", numbers(NaN)]]), 0.1)).toContain("loss differs");
  });

  it("says by how much", () => {
    const difference = differenceOf(new Map([["loss", numbers(1.5)]]), new Map([["loss", numbers(1)]]), 1e-5);
    expect(difference).toBe("loss differs by 5.0e-1, the bound is 1e-5");
  });
});

describe("ONNX files", () => {
  it("encode protocol buffers", () => {
    // The examples of https://protobuf.dev/programming-guides/encoding/
    expect([...integer(1, 150)]).toEqual([0x08, 0x96, 0x01]);
    expect([...bytes(2, "testing")]).toEqual([0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67]);
    expect([...integer(2, 2 ** 40)]).toEqual([0x10, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20]);
  });

  it("name a tensor that the model lacks", () => {
    expect(() => onnxModel({ shape: shape(1, 2, 3, 4), classes: 10, tensors: new Map(), states: false })).toThrow("has no layers.0.weight_ih_l0");
  });
});
