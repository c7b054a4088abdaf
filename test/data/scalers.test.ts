// Scalers and encoders through pipelines, against scikit-learn's values.

import { readFileSync } from "node:fs";

import { definePipeline, tableFromRows } from "gatewise/data";
import { describe, expect, test } from "vitest";

type ScaleKind = "standard" | "min-max" | "robust" | "log";

interface Vectors {
  readonly scalers: readonly { name: string; scale: ScaleKind[]; values: (number | null)[]; scaled: (number | null)[] }[];
  readonly encoders: { training: string[]; categories: string[]; oneHot: number[][]; asked: string[]; ordinal: number[] };
}

const vectors = JSON.parse(readFileSync(new URL("vectors/sklearn-pipeline.json", import.meta.url), "utf8")) as Vectors;

describe("scalers are scikit-learn's", () => {
  test.each(vectors.scalers)("$name", ({ scale, values, scaled }) => {
    // What is missing counts for nothing in the fit; zeros stand for it in x.
    const pipeline = definePipeline({ features: [{ column: "v", scale }, { column: "v", name: "raw", missing: true }], fill: "zero" });
    const known = values.filter((value) => value !== null);
    const fitted = pipeline.fit(known.map((v) => ({ v })));
    const wanted = scaled.filter((value) => value !== null);

    // In f64, as the saved scalers say it.
    const { scalers = [] } = fitted.toJSON().features[0] ?? {};
    const again = known.map((value) =>
      scalers.reduce((v, scaler) => (scaler.kind === "log" ? Math.log1p(v) : (v - scaler.centre) / scaler.size), value),
    );
    // Two roundings each of a value, its centre and their difference, in units of the size that all is divided by.
    const largest = Math.max(...known.map(Math.abs));
    const size = Math.min(...scalers.map((scaler) => (scaler.kind === "log" ? 1 : scaler.size)));
    const bound = 1e-12 + (6 * Number.EPSILON * largest) / size;
    for (const [i, value] of again.entries()) expect(Math.abs(value - (wanted[i] as number))).toBeLessThan(bound);

    const { x } = fitted.sequences(values.map((v) => ({ v })));
    for (const [i, value] of scaled.entries()) {
      if (value === null) expect([x?.[i * 3 + 1], x?.[i * 3 + 2]]).toEqual([0, 1]);
      else expect(Math.abs((x?.[i * 3] as number) - value)).toBeLessThan(bound + 2 ** -24 * Math.max(1, Math.abs(value)));
    }
  });

  test("a fit that skips missing values is that of the known ones", () => {
    const { scale, values } = vectors.scalers.find(({ name }) => name === "standard, missing") ?? expect.fail();
    const pipeline = definePipeline({ features: [{ column: "v", scale }], fill: "linear" });
    const all = pipeline.fit(values.map((v) => ({ v }))).toJSON().features;
    const known = pipeline.fit(values.filter((v) => v !== null).map((v) => ({ v }))).toJSON().features;
    expect(all).toEqual(known);
  });

  test("negative numbers have the logarithm of their size, and their sign", () => {
    const fitted = definePipeline({ features: [{ column: "v", scale: "log" }] }).fit([{ v: 0 }, { v: -3 }, { v: 3 }]);
    expect([...(fitted.sequences([{ v: -3 }, { v: 0 }, { v: 3 }]).x ?? [])]).toEqual([-Math.log(4), 0, Math.log(4)].map(Math.fround));
  });
});

describe("encoders are scikit-learn's", () => {
  const { training, categories, oneHot, asked, ordinal } = vectors.encoders;
  const rows = (words: readonly string[]) => tableFromRows(words.map((w) => ({ w })), { columns: { w: "category" } });

  test("one-hot, in the order of its categories", () => {
    const fitted = definePipeline({ features: [{ column: "w", encode: "one-hot" }] }).fit(rows(training));
    expect(fitted.features).toEqual(categories.map((category) => `w=${category}`));
    expect([...(fitted.sequences(rows(training)).x ?? [])]).toEqual(oneHot.flat());
  });

  test("ordinal, with −1 for what the training part has not", () => {
    const fitted = definePipeline({ features: [{ column: "w", encode: "ordinal", unseen: "other" }] }).fit(rows(training));
    expect([...(fitted.sequences(rows(asked)).x ?? [])]).toEqual(ordinal);
  });

  test("tokens, with one more for the others; and one-hot likewise", () => {
    const pipeline = definePipeline({
      features: [
        { column: "w", encode: "tokens", unseen: "other" },
        { column: "w", encode: "one-hot", unseen: "other", categories: ["9", "fig"] },
      ],
    });
    const fitted = pipeline.fit(rows(training));
    expect(fitted.tokens).toBe(categories.length + 1);
    const { tokens, x } = fitted.sequences(rows(asked));
    expect([...(tokens ?? [])]).toEqual([categories.indexOf("fig"), categories.length, categories.indexOf("9")]);
    expect(fitted.features).toEqual(["w=9", "w=fig", "w=other"]);
    expect([...(x ?? [])]).toEqual([0, 1, 0, 0, 0, 1, 1, 0, 0]);
  });

  test("numbers that are categories come in the order of their size", () => {
    const fitted = definePipeline({ features: [{ column: "w", encode: "one-hot" }] }).fit([{ w: 10 }, { w: 9 }, { w: -1 }, { w: 9 }]);
    expect(fitted.features).toEqual(["w=-1", "w=9", "w=10"]);
  });
});
