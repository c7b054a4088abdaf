// The check for leaks: groups and times that cross a split, and scalers that have seen the test.

import { checkLeaks, definePipeline, splitByGroup, splitByTime, subset } from "gatewise/data";
import { describe, expect, test, vi } from "vitest";

const rows = Array.from({ length: 60 }, (_, i) => ({ id: i % 3, t: Math.floor(i / 3), v: i }));
const pipeline = definePipeline({
  group: "id",
  time: "t",
  features: [{ column: "v", scale: "standard" }],
  window: { size: 4 },
  target: { values: "v", horizon: 2 },
});
const upTo = (t: number) => rows.filter((row) => row.t <= t);
const warn = (): void => undefined;

describe("times", () => {
  const fitted = pipeline.fit(upTo(10));
  const prepared = fitted.apply(rows);

  test("a split by time is clean by time, and shares its groups", () => {
    const parts = splitByTime(prepared, { validation: 10, test: 14 });
    const [training, validation, test] = [subset(prepared, parts.training), subset(prepared, parts.validation), subset(prepared, parts.test)];
    expect(checkLeaks({ training, validation, test }, { by: "time", warn })).toEqual([]);
    const found = checkLeaks({ training, test }, { warn });
    expect(found).toMatchObject([{ kind: "group", parts: ["training", "test"], count: 3, examples: [0, 1, 2] }]);
    // Those were left out whose targets would have looked into the next part.
    expect(parts.dropped.length).toBeGreaterThan(0);
  });

  test("targets that look into the test's time are found, sample by sample", () => {
    const times = [...prepared.times.entries()];
    const training = subset(prepared, times.filter(([, time]) => time < 12).map(([sample]) => sample));
    const test = subset(prepared, times.filter(([, time]) => time >= 12).map(([sample]) => sample));
    const spoken = vi.fn<(message: string) => void>();
    const [found, ...others] = checkLeaks({ training, test }, { by: "time", warn: spoken });
    // The test's first input ends at 12: the targets of inputs that end at 11 are of 13.
    expect(others).toEqual([]);
    expect(found).toMatchObject({ kind: "time", parts: ["training", "test"], count: 3 });
    expect(found?.examples.map((sample) => training.times[sample as number])).toEqual([11, 11, 11]);
    expect(spoken.mock.calls).toEqual([[found?.message]]);
  });
});

describe("groups", () => {
  const [known, unknown] = [rows.filter(({ id }) => id < 2), rows.filter(({ id }) => id === 2)];
  const fitted = pipeline.fit(known);

  test("a split by group is clean by group, and crosses in time", () => {
    const parts = { training: fitted.apply(known), test: fitted.apply(unknown) };
    expect(checkLeaks(parts, { by: "group", warn })).toEqual([]);
    expect(checkLeaks(parts, { warn }).map(({ kind }) => kind)).toEqual(["time"]);
  });

  test("one group in both parts is named", () => {
    const parts = { training: fitted.apply(known), validation: fitted.apply(rows.filter(({ id }) => id > 0)) };
    expect(checkLeaks(parts, { by: "group", warn })).toMatchObject([{ kind: "group", parts: ["training", "validation"], count: 1, examples: [1] }]);
  });
});

describe("scalers", () => {
  test("that were fitted on later times of the test", () => {
    const leaky = pipeline.fit(rows).apply(rows);
    const honest = pipeline.fit(upTo(10)).apply(rows);
    for (const [prepared, leaks] of [[leaky, ["scaler"]], [honest, []]] as const) {
      const parts = splitByTime(prepared, { test: 12 });
      const [training, test] = [subset(prepared, parts.training), subset(prepared, parts.test)];
      expect(checkLeaks({ training, test }, { by: "time", warn }).map(({ kind }) => kind)).toEqual(leaks);
    }
  });

  test("that were fitted on groups of the test", () => {
    const prepared = pipeline.fit(rows).apply(rows);
    const parts = splitByGroup(prepared, { test: [1] });
    const [found] = checkLeaks({ training: subset(prepared, parts.training), test: subset(prepared, parts.test) }, { by: "group", warn });
    expect(found).toMatchObject({ kind: "scaler", count: 1, examples: [1] });
  });

  test("warns on the console unless told otherwise", () => {
    const spoken = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const all = pipeline.fit(rows).apply(rows);
    const found = checkLeaks({ training: all, test: all });
    expect(spoken.mock.calls.map(([message]) => message as string)).toEqual(found.map(({ message }) => message));
    expect(found.map(({ kind }) => kind)).toEqual(["group", "time"]);
    spoken.mockRestore();
  });
});
