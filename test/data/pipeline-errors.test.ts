// What pipelines refuse: definitions with the path of the field, data with row and column.

import { type PipelineDefinition, type Table, definePipeline, tableFromRows } from "gatewise/data";
import { describe, expect, test } from "vitest";

import { expectError } from "../facade/support.js";

const define = (definition: unknown) => definePipeline(definition as PipelineDefinition);

describe("definitions", () => {
  const good = { time: "t", steps: { every: "day" }, aggregate: { n: { count: true } }, features: ["n"] };
  test.each([
    [{ ...good, features: [] }, "pipeline.features"],
    [{ ...good, features: undefined }, "pipeline.features"],
    [{ ...good, feature: ["n"] }, "pipeline.feature"],
    [{ ...good, features: [{ column: "n", scale: "log10" }] }, "pipeline.features[0].scale"],
    [{ ...good, features: ["n", { column: "n", scales: "log" }] }, "pipeline.features[1].scales"],
    [{ ...good, features: ["n", { column: "n", total: "n" }] }, "pipeline.features[1]"],
    [{ ...good, features: [{ column: "n", encode: "one-hot", scale: "standard" }] }, "pipeline.features[0]"],
    [{ ...good, features: [{ column: "n", encode: "tokens" }, { column: "m", encode: "tokens" }] }, "pipeline"],
    [{ ...good, features: [{ calendar: "hour", scale: "standard" }] }, "pipeline.features[0]"],
    [{ ...good, steps: { every: "fortnight" } }, "pipeline.steps.every"],
    [{ ...good, steps: { every: { days: 0 } } }, "pipeline.steps.every.days"],
    [{ ...good, steps: { every: { days: 1, hours: 3 } } }, "pipeline.steps.every"],
    [{ ...good, steps: { every: "day", cutOffs: ["soon"] } }, "pipeline.steps.cutOffs[0]"],
    [{ ...good, steps: { every: "row" } }, "pipeline"],
    [{ ...good, aggregate: { n: { count: true, sum: "v" } } }, "pipeline.aggregate.n"],
    [{ ...good, aggregate: { n: {} } }, "pipeline.aggregate.n"],
    [{ ...good, aggregate: undefined }, "pipeline"],
    [{ ...good, time: undefined }, "pipeline"],
    [{ ...good, fill: "zeros" }, "pipeline.fill"],
    [{ ...good, window: { size: 1.5 } }, "pipeline.window.size"],
    [{ ...good, window: { sise: 2 } }, "pipeline.window.sise"],
    [{ ...good, target: { label: "a", last: "b" } }, "pipeline.target"],
    [{ ...good, target: { event: { v: 1 } } }, "pipeline.target"],
    [{ ...good, target: { event: { v: 1 }, within: 3, classes: ["a", "b", "c"] } }, "pipeline.target"],
    [{ ...good, target: { values: "n", classes: ["a", "b"] } }, "pipeline.target"],
    [{ ...good, target: { label: "n", classes: ["a", "a"] } }, "pipeline.target.classes"],
    [null, "pipeline"],
  ])("%j", async (definition, path) => {
    await expectError(() => define(definition), "invalid_option", path);
  });

  test.each([
    [{ ...good, window: { sise: 2 } }, 'pipeline.window.sise: there is no such field, did you mean "size"?'],
    [{ ...good, window: { width: 2 } }, "pipeline.window.width: there is no such field: there are size, stride, prefixes, minimum, short"],
    [{ ...good, features: [{ column: "n", scales: "log" }] }, 'pipeline.features[0].scales: there is no such field, did you mean "scale"?'],
    [{ ...good, features: undefined }, "pipeline.features is missing"],
    [{ ...good, features: [] }, "pipeline.features must not be empty"],
    [{ ...good, features: [{ column: "n", scale: "log10" }] }, 'pipeline.features[0].scale must be "standard", "min-max", "robust", "log" or a list, not "log10"'],
    [{ ...good, group: 5 }, "pipeline.group must be text, not 5"],
    [{ ...good, steps: { every: { days: 0 } } }, "pipeline.steps.every.days must be at least 1, not 0"],
    [{ ...good, window: { size: 1.5 } }, "pipeline.window.size must be a whole number, not 1.5"],
    [{ ...good, steps: { every: { days: 1, hours: 3 } } }, "pipeline.steps.every must have one unit, such as { days: 7 }"],
    [{ ...good, target: { label: "n", classes: ["a"] } }, "pipeline.target.classes must have at least 2, not 1"],
    [null, "pipeline must be an object, not null"],
  ])("%j is told what is wrong", (definition, message) => {
    expect(() => define(definition)).toThrow(expect.objectContaining({ message }));
  });

  test("are frozen, and plain data", () => {
    const { definition } = define(good);
    expect(JSON.parse(JSON.stringify(definition))).toEqual(definition);
    expect(Object.isFrozen(definition.steps)).toBe(true);
  });
});

describe("data", () => {
  const definition = { group: "id", time: "t", features: ["v"] } as const;
  const rows = [
    { id: "a", t: "2024-01-01", v: 1, c: "x" },
    { id: "a", t: "2024-01-02", v: 2, c: "y" },
    { id: "b", t: "2024-01-01", v: 3, c: "x" },
  ];
  const named = (table: Table): Table => ({ ...table, source: "sales.csv" });
  /** The rows with one cell changed, as a table with a name. */
  const withCell = (row: number, change: object) =>
    named(tableFromRows(rows.map((cells, i) => (i === row ? { ...cells, ...change } : cells)), { columns: { id: "category", t: "time", v: "number", c: "category" } }));
  const fit = (definition: PipelineDefinition, table: Table) => () => define(definition).fit(table).apply(table);
  const inputs = (definition: PipelineDefinition, table: Table) => () => define(definition).fit(table).sequences(table);

  test("a column that is not there", async () => {
    const table = named(tableFromRows(rows));
    for (const [changed, column] of [
      [{ ...definition, group: "ID" }, "ID"],
      [{ ...definition, time: "when" }, "when"],
      [{ ...definition, features: ["price"] }, "price"],
      [{ ...definition, features: ["toString"] }, "toString"],
      [{ ...definition, statics: ["size"] }, "size"],
      [{ ...definition, steps: { begin: { open: 1 } } }, "open"],
      [{ ...definition, target: { label: "outcome" } }, "outcome"],
    ] as const) {
      const error = await expectError(fit({ target: { last: "c" }, ...changed } as PipelineDefinition, table), "invalid_data", `columns.${column}`);
      expect(error.message).toContain('"id", "t", "v", "c"');
    }
    const aggregated = { group: "id", time: "t", steps: { every: "day" }, aggregate: { n: { count: true } }, features: ["m"] } as const;
    await expectError(inputs(aggregated, table), "invalid_option", "features[0]");
  });

  test("missing groups, times and numbers, with row and column", async () => {
    await expectError(inputs(definition, withCell(1, { id: null })), "invalid_data", "sales.csv[1].id");
    await expectError(inputs(definition, withCell(2, { t: null })), "invalid_data", "sales.csv[2].t");
    const error = await expectError(inputs(definition, withCell(1, { v: null })), "not_finite", "sales.csv[1].v");
    expect(error.message).toContain('sales.csv, row 1, column "v"');
    await expectError(inputs({ ...definition, fill: "previous" }, withCell(0, { v: null })), "not_finite", "sales.csv[0].v");
    await expectError(inputs({ ...definition, fill: "linear" }, withCell(2, { v: null })), "not_finite", "sales.csv[2].v");
    await expectError(inputs({ ...definition, features: [{ column: "c", encode: "one-hot" }] }, withCell(2, { c: null })), "invalid_data", "sales.csv[2].c");
    await expectError(inputs(definition, withCell(1, { v: Infinity })), "not_finite", "sales.csv[1].v");
    const daily = { group: "id", time: "t", steps: { every: "day" }, aggregate: { s: { sum: "v" } }, features: ["s"] } as const;
    await expectError(inputs(daily, withCell(1, { v: null })), "not_finite", "sales.csv[1].v");
    expect(inputs({ ...daily, aggregate: { s: { sum: "v", missing: "skip" } } }, withCell(1, { v: null }))().x).toHaveLength(4);
    const gap = { group: "id", time: "t", steps: { every: { hours: 12 } }, aggregate: { s: { mean: "v" } }, features: ["s"] } as const;
    expect((await expectError(inputs(gap, withCell(0, {})), "not_finite", "steps.s")).message).toContain('2024-01-01T12:00:00.000Z of group "a"');
  });

  test("conditions that the column cannot have", async () => {
    await expectError(inputs({ ...definition, where: { v: "one" } }, withCell(0, {})), "invalid_data", "where.v");
    await expectError(inputs({ ...definition, where: { c: { above: 1 } } }, withCell(0, {})), "invalid_data", "where.c");
    await expectError(inputs({ ...definition, where: { t: "soon" } }, withCell(0, {})), "invalid_data", "where.t");
  });

  test("mixed types", async () => {
    await expectError(() => define(definition).fit(rows.map((row, i) => ({ ...row, v: i === 1 ? "two" : row.v }))), "invalid_option", "rows[1].v");
    await expectError(inputs({ ...definition, features: ["c"] }, withCell(0, {})), "invalid_data", "columns.c");
    await expectError(inputs({ ...definition, features: ["t"] }, withCell(0, {})), "invalid_data", "columns.t");
    await expectError(inputs({ ...definition, time: "c" }, withCell(0, {})), "invalid_data", "columns.c");
    const fitted = define(definition).fit(rows);
    await expectError(() => fitted.sequences(tableFromRows([{ id: "a", t: "2024-01-01", v: "one" }])), "invalid_data", "rows[0].v");
    await expectError(() => fitted.sequences([{ id: "a", t: "2024-01-01", v: "one" }]), "invalid_option", "rows[0].v");
    await expectError(() => fitted.sequences("orders.csv" as never), "invalid_option", "rows");
    // What was read as something else says the same, where the training part's kinds are known.
    expect(fitted.sequences([{ id: "a", t: Date.parse("2024-01-01"), v: "7" }]).x?.[0]).toBe(7);
  });

  test("duplicate times, unless an aggregation says what to do", async () => {
    const table = withCell(1, { t: "2024-01-01" });
    const error = await expectError(inputs(definition, table), "invalid_data", "sales.csv[1].t");
    expect(error.message).toContain('row 0 of group "a" has the same time');
    const byTime = { ...definition, steps: { every: "time" }, aggregate: { v: { mean: "v" } } } as const;
    expect([...(inputs(byTime, table)().x ?? [])]).toEqual([1.5, 3]);
  });

  test("groups that are too short, or empty", async () => {
    const windowed = { ...definition, window: { size: 2 } } as const;
    const error = await expectError(inputs(windowed, withCell(0, {})), "empty_data", "groups.b");
    expect(error.message).toContain("window.prefixes");
    await expectError(inputs({ ...definition, window: { size: 9, short: "skip" } }, withCell(0, {})), "empty_data", "window");
    await expectError(inputs(definition, { rows: 0, columns: {}, source: "empty.csv" }), "empty_data", "rows");
    await expectError(inputs({ ...definition, steps: { every: "row", cutOffs: ["2023-01-01"] } }, withCell(0, {})), "empty_data", "steps");
  });

  test("labels: seen in the test part only, changing within a group, missing, all alike", async () => {
    const labelled = { ...definition, target: { last: "c" } } as const;
    const fitted = define(labelled).fit(rows);
    const error = await expectError(() => fitted.apply(withCell(2, { c: "z" })), "unknown_class", "sales.csv[2].c");
    expect(error.message).toContain('"z" is no class of the training part ("x", "y")');
    await expectError(fit({ ...definition, target: { label: "c" } }, withCell(0, {})), "invalid_data", "sales.csv[1].c");
    await expectError(fit(definition, withCell(0, {})), "invalid_option", "target");
    await expectError(inputs({ ...definition, statics: ["v"] }, withCell(0, {})), "invalid_data", "sales.csv[1].v");
    await expectError(fit(labelled, withCell(1, { c: null })), "invalid_target", "sales.csv[1].c");
    await expectError(fit(labelled, withCell(1, { c: "x" })), "invalid_target", "target");
    await expectError(fit({ ...definition, target: { values: "v" }, window: { size: 1, short: "skip" } }, withCell(1, { v: null })), "invalid_target", "sales.csv[1].v");
  });

  test("categories that the training part has not", async () => {
    const fitted = define({ ...definition, features: [{ column: "c", encode: "one-hot" }] }).fit(rows);
    const error = await expectError(() => fitted.sequences(withCell(0, { c: "new" })), "invalid_data", "sales.csv[0].c");
    expect(error.message).toContain('unseen: "other"');
  });

  test("targets that the table does not reach", async () => {
    const weekly = {
      group: "id",
      time: "t",
      steps: { every: "day" },
      aggregate: { n: { count: true } },
      features: ["n"],
      target: { event: { v: 2 }, within: 3 },
    } as const;
    const table = withCell(0, {});
    const pipeline = define(weekly);
    const error = await expectError(() => pipeline.fit(table, { cutOffs: "2024-01-02" }), "invalid_target", "steps.cutOffs");
    expect(error.message).toContain("2024-01-05T00:00");
    const fitted = pipeline.fit(table, { cutOffs: "2024-01-02", knownUntil: "2024-01-05" });
    expect(fitted.apply(table, { cutOffs: "2024-01-02", knownUntil: "2024-01-05" }).targets).toEqual(["yes", "no"]);
    await expectError(() => fitted.apply(table, { cutOffs: "soon" }), "invalid_option", "cutOffs[0]");
    await expectError(() => fitted.apply(table, { knownUntil: "soon" }), "invalid_option", "knownUntil");
  });

  test("steps beyond counting", async () => {
    const fine = { time: "t", steps: { every: "second" }, aggregate: { n: { count: true } }, features: ["n"] } as const;
    const table = tableFromRows([{ t: "1970-01-01" }, { t: "2024-01-01" }]);
    await expectError(inputs(fine, table), "out_of_memory", "steps.every");
  });
});
