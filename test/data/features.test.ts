// Features of pipelines: the calendar, fills, statics, tokens, and what scalers give back.

import { type PipelineDefinition, definePipeline, tableFromRows } from "gatewise/data";
import { describe, expect, test } from "vitest";

import { sequences, steps } from "./pipeline-support.js";

describe("features", () => {
  test("the calendar, as a cycle, one-hot or a number; time between steps", () => {
    const rows = [{ t: "2024-02-29T06:30" }, { t: "2024-03-03T18:00" }];
    const definition = {
      time: "t",
      features: [
        { calendar: "hour" },
        { calendar: "day-of-week", as: "one-hot" },
        { calendar: "month", as: "number" },
        { calendar: "day-of-year", as: "number" },
        { calendar: "day-of-month", as: "number" },
        { calendar: "quarter", as: "number" },
        { calendar: "minute", as: "number" },
        { elapsed: "hour" },
      ],
    } as const;
    const prepared = sequences(definition, rows);
    const [first, second] = steps(prepared)[0] ?? [];
    expect(prepared.features.slice(0, 3)).toEqual(["hour sin", "hour cos", "day-of-week=0"]);
    expect(first?.slice(0, 2)).toEqual([1, expect.closeTo(0, 7)]);
    expect(first?.slice(2)).toEqual([0, 0, 0, 1, 0, 0, 0, 1, 59, 28, 0, 30, 0]);
    expect(second?.slice(2)).toEqual([0, 0, 0, 0, 0, 0, 1, 2, 62, 2, 0, 0, 83.5]);
  });

  test("fills look back only: a gap's line ends with the sample", () => {
    const rows = [1, null, null, 7, null, 3].map((v, t) => ({ t, v }));
    const definition = { time: "t", features: [{ column: "v", missing: true }], fill: "linear", window: { size: 3 } } as const;
    const flat = steps(sequences(definition, rows)).map((sample) => sample.map(([value]) => value));
    // The first does not know the 7 to come; the last but one begins behind the 1.
    expect(flat).toEqual([[1, 1, 1], [7, 7, 7], [7, 7, 7], [7, 5, 3]]);
    expect(steps(sequences(definition, rows))[3]).toEqual([[7, 0], [5, 1], [3, 0]]);
    expect(steps(sequences({ ...definition, fill: "previous" }, rows)).map((s) => s.map(([v]) => v))).toEqual([[1, 1, 1], [1, 1, 7], [1, 7, 7], [7, 7, 3]]);
    expect(steps(sequences({ ...definition, fill: "mean" }, rows))[0]?.map(([v]) => v)).toEqual([1, Math.fround(11 / 3), Math.fround(11 / 3)]);
  });

  test("categories are filled with the one before, or a name", () => {
    const rows = ["x", null, "y", null].map((c, t) => ({ t, c }));
    const places = (fill: PipelineDefinition["fill"]) =>
      steps(sequences({ time: "t", features: [{ column: "c", encode: "ordinal", categories: ["x", "y", "none"] }], fill }, rows)).flat(2);
    expect(places({ c: "previous" })).toEqual([0, 0, 1, 1]);
    expect(places({ c: { value: "none" } })).toEqual([0, 2, 1, 2]);
  });

  test("statics are what a group's rows have in common", () => {
    const rows = [
      { id: 1, t: 1, v: 1, size: 10, where: "n" },
      { id: 2, t: 1, v: 1, size: 30, where: "s" },
      { id: 1, t: 2, v: 1, size: 10, where: null },
    ];
    const definition = {
      group: "id",
      time: "t",
      features: ["v"],
      statics: [{ column: "size", scale: "min-max" }, { column: "where", encode: "one-hot" }],
      window: { size: 1 },
    } as const;
    const { statics, staticNames } = sequences(definition, rows);
    expect(staticNames).toEqual(["size", "where=n", "where=s"]);
    expect([...(statics ?? [])]).toEqual([0, 1, 0, 0, 1, 0, 1, 0, 1]);
  });

  test("tokens alone: no numbers, and a shape of two", () => {
    const rows = ["a", "b", "a"].map((c) => ({ c }));
    const prepared = sequences({ features: [{ column: "c", encode: "tokens" }] }, rows);
    expect([prepared.x, prepared.shape, [...(prepared.tokens ?? [])]]).toEqual([undefined, [1, 3], [0, 1, 0]]);
  });

  test("what is fitted is the training part's alone", () => {
    const pipeline = definePipeline({ group: "id", features: [{ column: "v", scale: "standard" }] });
    const fit = pipeline.fit([{ id: 1, v: 1 }, { id: 1, v: 3 }]);
    const other = [{ id: 9, v: 100 }];
    expect([...(fit.sequences(other).x ?? [])]).toEqual([98]);
    expect(JSON.stringify(fit)).toBe(JSON.stringify(pipeline.fit([{ id: 1, v: 1 }, { id: 1, v: 3 }])));
  });

  test("what no training sample reads is not fitted: steps that targets alone look at, and what comes after a cut-off", () => {
    const rows = [0, 1, 2, 4, 1000].map((v, day) => ({ t: day * 86_400_000, v, c: v > 4 ? "late" : "early" }));
    const features = [{ column: "v", scale: "min-max" }, { column: "c", encode: "one-hot" }] as const;
    const ahead = definePipeline({ time: "t", features, window: { size: 2 }, target: { values: "v" } }).fit(rows).toJSON();
    const columns = { v: { last: "v" }, c: { last: "c" } } as const;
    const cut = definePipeline({ time: "t", steps: { every: "day" }, aggregate: columns, features, target: { values: "v" } });
    const before = cut.fit(tableFromRows(rows, { columns: { t: "time" } }), { cutOffs: 4 * 86_400_000, knownUntil: 5 * 86_400_000 }).toJSON();
    for (const { features } of [ahead, before]) {
      expect(features).toEqual([{ scalers: [{ kind: "min-max", centre: 0, size: 4 }] }, { categories: ["early"] }]);
    }
  });

  test("scaled targets come back as they were", () => {
    const rows = Array.from({ length: 6 }, (_, t) => ({ t, v: 100 * t, w: t * t }));
    const pipeline = definePipeline({ time: "t", features: ["v"], window: { size: 2 }, target: { values: ["v", "w"], scale: ["log", "standard"] } });
    const fit = pipeline.fit(rows);
    const targets = fit.apply(rows).targets;
    expect(Math.abs(targets.reduce((a, b) => a + b, 0))).toBeLessThan(1e-5);
    const back = fit.originalValues(targets);
    for (const [i, value] of [200, 4, 300, 9, 400, 16, 500, 25].entries()) expect(back[i]).toBeCloseTo(value, 3);
  });

  test("tables and objects are the same", () => {
    const rows = Array.from({ length: 5 }, (_, t) => ({ id: `k${t % 2}`, t: `2024-01-0${t + 1}`, v: t }));
    const definition = { group: "id", time: "t", features: ["v"] } as const;
    const { preprocessing: a, ...ofRows } = sequences(definition, rows);
    const { preprocessing: b, ...ofTable } = sequences(definition, tableFromRows(rows));
    expect([ofRows, JSON.stringify(a)]).toEqual([ofTable, JSON.stringify(b)]);
  });
});
