// Splits: scikit-learn's where it has the like, and what must hold of any.

import { readFileSync } from "node:fs";

import * as fc from "fast-check";
import {
  type Parts,
  type Prepared,
  definePipeline,
  groupedKFold,
  rollingOrigin,
  rowKeys,
  selectRows,
  splitByGroup,
  splitByTime,
  splitStratified,
  stratifiedKFold,
  subset,
  tableFromRows,
} from "gatewise/data";
import { describe, expect, test } from "vitest";

import { expectError } from "../facade/support.js";

interface Fold {
  training: number[];
  test: number[];
}

interface Vectors {
  readonly splits: {
    readonly series: readonly { n: number; options: { folds: number; test?: number; gap?: number; longest?: number }; folds: Fold[] }[];
    readonly grouped: readonly { folds: number; groups: number[]; tests: number[][] }[];
    readonly stratified: readonly { folds: number; classes: string[]; tests: number[][] }[];
    readonly shuffled: readonly { test: number; classes: string[]; counts: Record<string, number> }[];
  };
}

const { splits } = JSON.parse(readFileSync(new URL("vectors/sklearn-pipeline.json", import.meta.url), "utf8")) as Vectors;

const plain = ({ training, test }: { training: Uint32Array; test: Uint32Array }): Fold => ({ training: [...training], test: [...test] });
const noGroups = (n: number) => Array.from({ length: n }, () => null);

describe("as scikit-learn", () => {
  test.each(splits.series)("TimeSeriesSplit of $n: $options", ({ n, options, folds }) => {
    const samples = { groups: noGroups(n), times: Float64Array.from({ length: n }, (_, i) => 1000 * i) };
    expect(rollingOrigin(samples, options).map(plain)).toEqual(folds);
  });

  test.each(splits.grouped)("GroupKFold($folds)", ({ folds, groups, tests }) => {
    const found = groupedKFold({ groups, times: new Float64Array(groups.length) }, { folds });
    expect(found.map(({ test }) => Array.from(test))).toEqual(tests);
  });

  test.each(splits.stratified)("StratifiedKFold($folds)", ({ folds, classes, tests }) => {
    const found = stratifiedKFold({ groups: noGroups(classes.length), times: new Float64Array(0), targets: classes }, { folds });
    expect(found.map(({ test }) => Array.from(test))).toEqual(tests);
  });

  test.each(splits.shuffled)("StratifiedShuffleSplit($test): as many of each class, give or take one where remainders are alike", (vector) => {
    const { classes } = vector;
    const samples = { groups: noGroups(classes.length), times: new Float64Array(0), targets: classes };
    const { test } = splitStratified(samples, { test: vector.test, seed: 3 });
    const counts: Record<string, number> = {};
    for (const sample of test) counts[classes[sample] as string] = (counts[classes[sample] as string] ?? 0) + 1;
    expect(Object.fromEntries(Object.entries(counts).toSorted())).toEqual(vector.counts);
  });
});

/** Every index below n once. */
function expectEachOnce(parts: readonly Uint32Array[], n: number): void {
  expect(parts.flatMap((part) => [...part]).toSorted((a, b) => a - b)).toEqual([...Array(n).keys()]);
  for (const part of parts) expect([...part]).toEqual([...part].toSorted((a, b) => a - b));
}

function at(values: Float64Array, index: number): number {
  return values[index] ?? expect.fail(`there is no ${index}`);
}

/** Samples of some groups and times; targets that look ahead by up to some time. */
const samples = fc
  .array(fc.record({ group: fc.integer({ min: 0, max: 9 }), time: fc.integer({ min: 2, max: 60 }), ahead: fc.integer({ min: 0, max: 5 }), label: fc.constantFrom("a", "b", "c") }), {
    minLength: 12,
    maxLength: 80,
  })
  .map((list) => ({
    groups: list.map(({ group }) => group),
    times: Float64Array.from(list, ({ time }) => time),
    until: Float64Array.from(list, ({ time, ahead }) => time + ahead),
    targets: list.map(({ label }) => label),
  }));

/** The parts, or undefined where one of them would be empty. */
function unlessEmpty<T>(split: () => T): T | undefined {
  try {
    return split();
  } catch (error) {
    expect(error).toMatchObject({ code: "empty_data" });
    return undefined;
  }
}

describe("of any samples", () => {
  test("by time: each once, one part after the other, no target beyond its part", () => {
    fc.assert(
      fc.property(samples, fc.integer({ min: 5, max: 40 }), fc.integer({ min: 0, max: 15 }), (data, validation, length) => {
        const parts = unlessEmpty(() => splitByTime(data, { validation, test: validation + length }));
        if (parts === undefined) return;
        expectEachOnce([parts.training, parts.validation, parts.test, parts.dropped], data.times.length);
        for (const i of parts.training) expect(data.until[i]).toBeLessThanOrEqual(validation);
        for (const i of parts.validation) expect([at(data.times, i) >= validation, at(data.until, i) <= validation + length]).toEqual([true, true]);
        for (const i of parts.test) expect(data.times[i]).toBeGreaterThanOrEqual(validation + length);
        for (const i of parts.dropped) expect(data.until[i]).toBeGreaterThan(data.times[i] as number);
      }),
    );
  });

  test("by shares of time: samples of one time stay together", () => {
    fc.assert(
      fc.property(samples, (data) => {
        const parts = unlessEmpty(() => splitByTime({ ...data, until: undefined }, { validation: 0.2, test: 0.3 }));
        if (parts === undefined) return;
        expectEachOnce([parts.training, parts.validation, parts.test], data.times.length);
        const times = (part: Uint32Array) => [...part].map((i) => data.times[i] as number);
        expect(Math.max(...times(parts.training))).toBeLessThan(Math.min(...times(parts.validation)));
        expect(Math.max(...times(parts.validation))).toBeLessThan(Math.min(...times(parts.test)));
        // Whoever shares the first time of the test belongs to it too.
        expect(parts.test.length).toBeGreaterThanOrEqual(Math.round(0.3 * data.times.length));
      }),
    );
  });

  test("by group: each once, no group in two parts", () => {
    fc.assert(
      fc.property(samples, fc.integer(), (data, seed) => {
        const parts = unlessEmpty(() => splitByGroup(data, { validation: 0.2, test: 0.3, seed }));
        if (parts === undefined) return;
        expectEachOnce([parts.training, parts.validation, parts.test], data.groups.length);
        expectApart(parts, data.groups);
      }),
    );
  });

  test("grouped folds: each tested once, no group in training and test", () => {
    fc.assert(
      fc.property(samples, fc.option(fc.integer(), { nil: undefined }), (data, seed) => {
        const folds = unlessEmpty(() => groupedKFold(data, { folds: 3, seed }));
        if (folds === undefined) return;
        expectEachOnce(folds.map(({ test }) => test), data.groups.length);
        for (const { training, test } of folds) {
          expectEachOnce([training, test], data.groups.length);
          expectApart({ training, test, validation: new Uint32Array(0) }, data.groups);
        }
      }),
    );
  });

  test("stratified: each once, every class within one sample of its share in every part", () => {
    fc.assert(
      fc.property(samples, fc.constantFrom([0.2, 0.3], [0.1, 0.1], [0.25, 0], [0.15, 0.6]), fc.integer(), (data, [validation, test], seed) => {
        const parts = unlessEmpty(() => splitStratified(data, { validation, test, seed }));
        if (parts === undefined) return;
        expectEachOnce([parts.training, parts.validation, parts.test], data.targets.length);
        const shares = { training: 1 - (validation ?? 0) - (test ?? 0), validation, test };
        for (const name of ["training", "validation", "test"] as const) {
          expectProportions(parts[name], shares[name] ?? 0, data.targets);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("stratified folds: each tested once, every class within one sample of its share", () => {
    fc.assert(
      fc.property(samples, fc.option(fc.integer(), { nil: undefined }), (data, seed) => {
        const folds = unlessEmpty(() => stratifiedKFold(data, { folds: 3, seed }));
        if (folds === undefined) return;
        expectEachOnce(folds.map(({ test }) => test), data.targets.length);
        for (const { test } of folds) expectProportions(test, 1 / 3, data.targets);
      }),
    );
  });

  test("rolling origin: training before test, targets known by then, tests one after the other", () => {
    fc.assert(
      fc.property(samples, fc.integer({ min: 1, max: 4 }), fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }), (data, count, longest) => {
        const folds = unlessEmpty(() => rollingOrigin(data, { folds: count, longest }));
        if (folds === undefined) return;
        let before = -Infinity;
        for (const { training, test } of folds) {
          const [from, to] = [Math.min(...[...test].map((i) => data.times[i] as number)), Math.max(...[...test].map((i) => data.times[i] as number))];
          for (const i of training) expect([at(data.times, i) < from, at(data.until, i) <= from]).toEqual([true, true]);
          expect(new Set([...training].map((i) => data.times[i])).size).toBeLessThanOrEqual(longest ?? Infinity);
          expect(from).toBeGreaterThan(before);
          before = to;
        }
        expect(before).toBe(Math.max(...data.times));
      }),
    );
  });

  test("the same seed splits alike, another one not", () => {
    const data = { groups: [...Array(40).keys()], times: new Float64Array(40), targets: Array.from({ length: 40 }, (_, i) => (i % 2 ? "a" : "b")) };
    for (const split of [splitByGroup, splitStratified]) {
      expect(split(data, { test: 0.4, seed: 5 })).toEqual(split(data, { test: 0.4, seed: 5 }));
      expect(split(data, { test: 0.4, seed: 5 })).not.toEqual(split(data, { test: 0.4, seed: 6 }));
    }
  });
});

function expectApart(parts: Parts, groups: readonly unknown[]): void {
  const [a, b, c] = [parts.training, parts.validation, parts.test].map((part) => new Set([...part].map((i) => groups[i])));
  const all = [...(a ?? []), ...(b ?? []), ...(c ?? [])];
  expect(new Set(all).size).toBe(all.length);
}

function expectProportions(part: Uint32Array, share: number, labels: readonly string[]): void {
  for (const label of new Set(labels)) {
    const all = labels.filter((other) => other === label).length;
    const here = [...part].filter((i) => labels[i] === label).length;
    expect(Math.abs(here - share * all)).toBeLessThan(1);
  }
}

describe("of tables and of samples", () => {
  const table = tableFromRows([
    { who: "a", day: "2024-01-01", v: 1 },
    { who: "b", day: "2024-01-02", v: 2 },
    { who: "a", day: "2024-01-03", v: 3 },
    { who: "c", day: "2024-01-04", v: null },
  ]);

  test("rows by their keys", () => {
    const keys = rowKeys(table, { group: "who", time: "day", target: "who" });
    expect(keys.groups).toEqual(["a", "b", "a", "c"]);
    const { training, test } = splitByTime(keys, { test: "2024-01-03" });
    expect([...training, ...test]).toEqual([0, 1, 2, 3]);
    expect(selectRows(table, test)).toEqual({
      ...table,
      rows: 2,
      columns: {
        who: { kind: "category", codes: Int32Array.of(0, 2), names: ["a", "b", "c"] },
        day: { kind: "time", values: Float64Array.of(Date.parse("2024-01-03"), Date.parse("2024-01-04")) },
        v: { kind: "number", values: Float64Array.of(3, NaN) },
      },
    });
    expect([...splitByGroup(keys, { test: ["c"] }).test]).toEqual([3]);
    expect([...splitByGroup(keys, { validation: (who) => who === "a" }).validation]).toEqual([0, 2]);
  });

  test("a subset is the samples by themselves", () => {
    const pipeline = definePipeline({
      group: "g",
      time: "t",
      features: ["v", { column: "c", encode: "tokens" }],
      statics: ["s"],
      window: { size: 2, prefixes: true },
      target: { last: "c" },
    });
    const rows = Array.from({ length: 12 }, (_, i) => ({ g: i % 3, t: i, v: i, c: "xyz"[i % 2], s: i % 3 }));
    const fitted = pipeline.fit(rows);
    const whole: Prepared = fitted.apply(rows);
    const some = subset(whole, [7, 2]);
    expect(some.shape).toEqual([2, 2, 1]);
    expect([...(some.x ?? [])]).toEqual([...(whole.x?.subarray(14, 16) ?? []), ...(whole.x?.subarray(4, 6) ?? [])]);
    expect([...(some.statics ?? [])]).toEqual([whole.statics?.[7], whole.statics?.[2]]);
    expect([...(some.tokens ?? [])]).toEqual([14, 15, 4, 5].map((i) => whole.tokens?.[i]));
    expect(some.groups).toEqual([whole.groups[7], whole.groups[2]]);
    expect([...some.times, ...some.lengths]).toEqual([whole.times[7], whole.times[2], whole.lengths[7], whole.lengths[2]]);
    expect(some.targets).toEqual([whole.targets[7], whole.targets[2]]);
  });

  test("what cannot be split says why", async () => {
    const keys = rowKeys(table, { group: "who", time: "day" });
    const without = rowKeys(table, { group: "who" });
    await expectError(() => splitByTime(without, { test: 0.5 }), "invalid_data", "times[0]");
    await expectError(() => splitByTime(keys, { test: "soon" }), "invalid_option", "test");
    await expectError(() => splitByTime(keys, { test: "2025-01-01" }), "empty_data", "test");
    await expectError(() => splitByTime(keys, { validation: "2024-01-04", test: "2024-01-02" }), "invalid_option", "validation");
    await expectError(() => splitByGroup(keys, { test: ["z"] }), "invalid_option", "test");
    await expectError(() => splitByGroup(keys, { test: ["a"], validation: ["a"] }), "invalid_option", "validation");
    await expectError(() => splitByGroup(keys, { test: 1.5 }), "invalid_option", "test");
    await expectError(() => splitByGroup(keys, { test: () => true }), "empty_data", "training");
    await expectError(() => groupedKFold(keys, { folds: 4 }), "empty_data", "folds");
    await expectError(() => groupedKFold(keys, { folds: 1 }), "invalid_option", "folds");
    await expectError(() => rollingOrigin(keys, { folds: 9 }), "empty_data", "folds");
    await expectError(() => splitStratified(keys, { test: 0.5 }), "invalid_target", "targets");
    await expectError(() => stratifiedKFold({ ...keys, targets: ["a", "a", "a", "b"] }, { folds: 2 }), "empty_data", "folds");
    const prepared = definePipeline({ features: ["v"], fill: "zero", window: { size: 1 } }).fit(table).sequences(table);
    await expectError(() => subset(prepared, []), "empty_data", "samples");
    await expectError(() => subset(prepared, [0, 4]), "invalid_option", "samples[1]");
    await expectError(() => subset(prepared, [-1]), "invalid_option", "samples[0]");
    await expectError(() => selectRows(table, [4]), "invalid_option", "samples[0]");
    await expectError(() => rowKeys(table, { group: "whom" }), "invalid_data", "columns.whom");
  });
});
