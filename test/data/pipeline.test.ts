// Pipelines: what they make of tables, by hand and against a plain implementation with objects.

import * as fc from "fast-check";
import { type PipelineDefinition, type PreparedInputs, definePipeline } from "gatewise/data";
import { describe, expect, test } from "vitest";

import { fitted, sequences, steps } from "./pipeline-support.js";

const days = (list: readonly PreparedInputs["times"][number][]) => list.map((time) => new Date(time).toISOString().slice(0, 10));

describe("rows as steps", () => {
  const rows = [
    { id: "b", t: "2024-01-03", v: 30 },
    { id: "a", t: "2024-01-02", v: 2 },
    { id: "b", t: "2024-01-01", v: 10 },
    { id: "a", t: "2024-01-05", v: 5 },
    { id: "b", t: "2024-01-02", v: 20 },
  ];

  test("groups in order of appearance, each in the order of time, ragged", () => {
    const prepared = sequences({ group: "id", time: "t", features: ["v"] }, rows);
    expect(steps(prepared)).toEqual([[[10], [20], [30]], [[2], [5]]]);
    expect(prepared.groups).toEqual(["b", "a"]);
    expect([days([...prepared.starts]), days([...prepared.times])]).toEqual([
      ["2024-01-01", "2024-01-02"],
      ["2024-01-03", "2024-01-05"],
    ]);
  });

  test("without group and time all rows are one sequence, in their order", () => {
    const prepared = sequences({ features: ["v"] }, rows);
    expect(steps(prepared)).toEqual([[[30], [2], [10], [5], [20]]]);
    expect([prepared.groups, [...prepared.times]]).toEqual([[null], [NaN]]);
  });

  test("of the rows that count", () => {
    const some = [...rows, { id: null, t: "2024-01-01", v: 1 }, { id: "c", t: null, v: null }];
    const of = (where: PipelineDefinition["where"]) => sequences({ group: "id", time: "t", where, features: ["v"] }, some);
    expect(steps(of({ id: { missing: false }, v: { missing: false } }))).toEqual([[[10], [20], [30]], [[2], [5]]]);
    expect(of({ id: "a" }).groups).toEqual(["a"]);
    expect(steps(of({ id: { not: "c" }, v: { atLeast: 5, below: 30 } }))).toEqual([[[10], [20]], [[5]]]);
    expect(steps(of({ id: { in: ["a", "b"] }, t: { above: Date.parse("2024-01-02") } }))).toEqual([[[30]], [[5]]]);
    expect(steps(of({ id: { in: ["a", "b"] }, t: "2024-01-02" }))).toEqual([[[2]], [[20]]]);
    expect(() => of({ id: { missing: true } })).toThrow("it has no value");
    expect(() => of({ v: 77 })).toThrow("fulfils where");
    expect(steps(sequences({ features: ["v"], where: { id: { missing: true } } }, some))).toEqual([[[1]]]);
  });

  test("windows: size, stride, horizon", () => {
    const series = Array.from({ length: 8 }, (_, t) => ({ t, v: 10 * t }));
    const definition = { time: "t", features: ["v"], window: { size: 3, stride: 2 }, target: { values: "v", horizon: 2 } } as const;
    const prepared = fitted(definition, series);
    expect(steps(prepared).map((sample) => sample.flat())).toEqual([[0, 10, 20], [20, 30, 40]]);
    expect([...(prepared.targets as unknown as Float32Array)]).toEqual([40, 60]);
    expect([[...prepared.times], [...prepared.until]]).toEqual([[2, 4], [4, 6]]);
    // Without targets the last steps end samples too, and `latest` is the very last.
    const all = definePipeline(definition).fit(series);
    expect(steps(all.sequences(series)).map((sample) => sample.flat())).toEqual([[0, 10, 20], [20, 30, 40], [40, 50, 60]]);
    expect(steps(all.sequences(series, { latest: true })).map((sample) => sample.flat())).toEqual([[50, 60, 70]]);
  });

  test("several values, several steps ahead", () => {
    const series = Array.from({ length: 5 }, (_, t) => ({ t, v: t, w: -t }));
    const prepared = fitted({ time: "t", features: ["v"], window: { size: 2 }, target: { values: ["v", "w"], steps: 2 } }, series);
    expect([...(prepared.targets as unknown as Float32Array)]).toEqual([2, -2, 3, -3, 3, -3, 4, -4]);
  });

  test("prefixes are shorter windows, and short groups keep theirs", () => {
    const prepared = sequences({ group: "id", time: "t", features: ["v"], window: { size: 2, prefixes: true } }, rows);
    expect(steps(prepared).map((sample) => sample.flat())).toEqual([[10], [10, 20], [20, 30], [2], [2, 5]]);
    const longer = sequences({ group: "id", time: "t", features: ["v"], window: { size: 3, short: "skip" } }, rows);
    expect(longer.groups).toEqual(["b"]);
  });

  test("labels of the group and of the last row; events in the next rows and days", () => {
    const events = Array.from({ length: 6 }, (_, i) => ({ t: `2024-01-0${i + 1}`, v: i, kind: "xy"[i % 2], who: "p", hit: i === 3 ? 1 : 0 }));
    const target = (target: PipelineDefinition["target"]) =>
      fitted({ time: "t", features: ["v"], window: { size: 2 }, target }, events).targets;
    expect(target({ last: "kind" })).toEqual(["y", "x", "y", "x", "y"]);
    expect(target({ label: "who", classes: ["p", "q"] })).toEqual(["p", "p", "p", "p", "p"]);
    expect(target({ event: { hit: 1 }, within: 1 })).toEqual(["no", "yes", "no", "no"]);
    expect(target({ event: { hit: 1 }, within: 2 })).toEqual(["yes", "yes", "no"]);
    expect(target({ event: { hit: 1 }, within: { days: 2 } })).toEqual(["yes", "yes", "no"]);
    expect(target({ event: { v: { above: 4 } }, within: 2, classes: ["calm", "storm"] })).toEqual(["calm", "calm", "storm"]);
  });
});

describe("aggregated steps", () => {
  const events = [
    { id: 1, t: "2024-01-02T10:00", v: 3, kind: "a", bad: false }, // Tuesday of the first week
    { id: 1, t: "2024-01-07T23:59", v: 5, kind: "b", bad: true }, // its Sunday
    { id: 1, t: "2024-01-22", v: -1, kind: "a", bad: false }, // the Monday of the fourth
    { id: 1, t: "2024-01-22", v: 7, kind: "a", bad: false },
    { id: 2, t: "2024-01-10", v: 1, kind: "c", bad: false }, // the second
  ];
  const aggregate = {
    n: { count: true },
    good: { count: true, where: { bad: 0 } },
    sum: { sum: "v" },
    mean: { mean: "v" },
    least: { min: "v" },
    most: { max: "v" },
    last: { last: "v" },
    first: { first: "v" },
    kinds: { distinct: "kind" },
  } as const;
  const names = Object.keys(aggregate);
  const fill = { mean: "zero", least: { value: -9 }, most: "previous", last: "linear", first: "mean" } as const;

  test("weeks begin on Monday; counts and sums of empty ones are 0, the rest is filled", () => {
    const definition = { group: "id", time: "t", steps: { every: "week" }, aggregate, fill, features: names } as const;
    const { x: _, ...prepared } = sequences(definition, events);
    expect(prepared.features).toEqual(names);
    expect(steps(sequences(definition, events))).toEqual([
      [
        [2, 1, 8, 4, 3, 5, 5, 3, 2],
        [0, 0, 0, 0, -9, 5, 5 + 2 / 3, (3 - 1 + 1) / 3, 0].map(Math.fround),
        [0, 0, 0, 0, -9, 5, 5 + 4 / 3, (3 - 1 + 1) / 3, 0].map(Math.fround),
        [2, 2, 6, 3, -1, 7, 7, -1, 1],
      ],
      [[1, 1, 1, 1, 1, 1, 1, 1, 1]],
    ]);
    expect([days([...prepared.starts]), days([...prepared.times])]).toEqual([
      ["2024-01-01", "2024-01-08"],
      ["2024-01-29", "2024-01-15"],
    ]);
  });

  test("cut-offs count back: a sample for each group that has begun, and nothing from the cut-off on", () => {
    const definition = {
      group: "id",
      time: "t",
      steps: { every: { days: 7 }, cutOffs: ["2024-01-09", "2024-01-23"] },
      aggregate,
      features: ["n", "sum"],
    } as const;
    const prepared = sequences(definition, events);
    expect(prepared.groups).toEqual([1, 1, 2]);
    expect(steps(prepared)).toEqual([
      [[2, 8]], // from the 2nd until the 9th
      [[2, 8], [0, 0], [2, 6]],
      [[1, 1], [0, 0]],
    ]);
    expect(days([...prepared.times])).toEqual(["2024-01-09", "2024-01-23", "2024-01-23"]);
    expect(days([...prepared.starts])).toEqual(["2024-01-02", "2024-01-02", "2024-01-09"]);
  });

  test("calendar months, also back from the 31st; from and until the table's", () => {
    const rows = [
      { id: 1, t: "2024-01-31", v: 1 },
      { id: 1, t: "2024-02-29", v: 2 },
      { id: 1, t: "2024-03-30T23:00", v: 3 },
      { id: 2, t: "2024-02-10", v: 9 },
    ];
    const base = { group: "id", time: "t", aggregate: { sum: { sum: "v" } }, features: ["sum"] } as const;
    expect(steps(sequences({ ...base, steps: { every: "month", from: "table", until: "table" } }, rows)).map((s) => s.flat())).toEqual([
      [1, 2, 3],
      [0, 9, 0],
    ]);
    // Months that end on 31 January, 29 February and 31 March.
    expect(steps(sequences({ ...base, steps: { every: "month", cutOffs: ["2024-03-31"] } }, rows)).map((s) => s.flat())).toEqual([[1, 5], [9, 0]]);
  });

  test("all rows of one time are one step; a group begins where it shall", () => {
    const rows = [
      { t: 5, v: 1, open: 0 },
      { t: 6, v: 2, open: 1 },
      { t: 6, v: 3, open: 0 },
      { t: 9, v: 4, open: 0 },
    ];
    const definition = { time: "t", steps: { every: "time", begin: { open: 1 } }, aggregate: { sum: { sum: "v" } }, features: ["sum"] } as const;
    expect(steps(sequences(definition, rows))).toEqual([[[5], [4]]]);
  });

  test("values after cut-offs are read where the table has them", () => {
    const rows = Array.from({ length: 6 }, (_, i) => ({ t: `2024-01-0${i + 1}`, v: i }));
    const definition = {
      time: "t",
      steps: { every: "day", cutOffs: ["2024-01-03", "2024-01-04"] },
      aggregate: { sum: { sum: "v" } },
      features: ["sum"],
      target: { values: "sum", steps: 2 },
    } as const;
    const prepared = fitted(definition, rows);
    expect(steps(prepared).map((s) => s.flat())).toEqual([[0, 1], [0, 1, 2]]);
    expect([...(prepared.targets as unknown as Float32Array)]).toEqual([2, 3, 3, 4]);
  });

  test("agree with a plain implementation over random events", () => {
    const event = fc.record({ id: fc.integer({ min: 0, max: 4 }), day: fc.integer({ min: 0, max: 40 }), v: fc.integer({ min: -9, max: 9 }), bad: fc.boolean() });
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 45 }), fc.integer({ min: 1, max: 9 }), (list, cutOff, length) => {
        const DAY = 86_400_000;
        const rows = list.map(({ id, day, v, bad }) => ({ id, t: new Date(day * DAY), v, bad }));
        const definition = {
          group: "id",
          time: "t",
          steps: { every: { days: length }, begin: { bad: 0 } },
          aggregate: { n: { count: true }, sum: { sum: "v", where: { bad: 0 } } },
          features: ["n", "sum", { total: "n" }, { stepsSince: "sum" }],
        } as const;
        const expected = plainly(list, cutOff, length);
        const run = () => steps(definePipeline(definition).fit(rows, { cutOffs: cutOff * DAY }).sequences(rows, { cutOffs: cutOff * DAY }));
        if (expected.length === 0) expect(run).toThrow("no group has a row");
        else expect(run()).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });
});

interface Event {
  readonly id: number;
  readonly day: number;
  readonly v: number;
  readonly bad: boolean;
}

/** Events by group and step, with an object for everything. */
function plainly(events: readonly Event[], cutOff: number, length: number): number[][][] {
  return [...new Set(events.map(({ id }) => id))].flatMap((id) => {
    const past = events.filter((event) => event.id === id && event.day < cutOff).toSorted((a, b) => a.day - b.day);
    const begin = past.findIndex(({ bad }) => !bad);
    if (begin < 0) return [];
    const own = past.slice(begin);
    const count = Math.ceil((cutOff - (own[0]?.day ?? 0)) / length);
    let [total, since] = [0, 0];
    const list = Array.from({ length: count }, (_, step) => {
      const from = cutOff - (count - step) * length;
      const inStep = own.filter(({ day }) => day >= from && day < from + length);
      const sum = inStep.filter(({ bad }) => !bad).reduce((sum, { v }) => sum + v, 0);
      total += inStep.length;
      since = sum === 0 ? since + 1 : 0;
      return [inStep.length, sum, total, since];
    });
    return [list];
  });
}
