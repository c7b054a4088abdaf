// ONNX's own backend test vectors through `gatewise/layers`, on both backends.

import { describe, expect, test } from "vitest";

import { BOUND, OnnxCase, onnxNames } from "../vectors/onnx.js";
import { BACKENDS } from "./support.js";

describe.each(onnxNames())("%s", (name) => {
  test.each(BACKENDS)("on the %s backend", async (backend) => {
    const vectors = new OnnxCase(name);
    const { measured } = await vectors.measure({ backend, threads: 1 });
    expect(measured.map(({ tensor }) => tensor).toSorted()).toEqual(vectors.outputs);
    expect(measured.filter(({ error }) => !(error <= BOUND))).toEqual([]);
  });
});
