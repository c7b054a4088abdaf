// The orders example before any model: reading, weekly features, labels, and that no feature knows the future.

import { selectRows, tableFromRows, type Table } from "gatewise/data";
import { beforeAll, describe, expect, test } from "vitest";
import { recencyFrequencyValue } from "../../examples/orders/baselines.js";
import { collectInvoices, formatInvoices, type OrderLine } from "../../examples/orders/data/make-data.js";
import { numbers, readInvoices, type Invoice } from "../../examples/orders/invoices.js";
import { HORIZON, labelsOf, pipeline, WEEK, type Samples } from "../../examples/orders/sequences.js";
import { splitSamples, TEST_CUT_OFF, TRAINING_CUT_OFFS, type Split } from "../../examples/orders/split.js";

const cutOff = Date.parse(TEST_CUT_OFF);
const DAY = 24 * 60 * 60 * 1000;

let invoices: Table;
let split: Split;
beforeAll(async () => {
  invoices = await readInvoices(new URL("../../examples/orders/data/invoices.csv.gz", import.meta.url));
  split = splitSamples(invoices);
});

function order(days: number, changes: Partial<Invoice> = {}): Invoice {
  return { customer: 1, time: cutOff + days * DAY, lines: 2, items: 10, value: 50, cancelled: 0, ...changes };
}

/** Invoices as a table, and one of another customer a year later: so that every label is known. */
function tableOf(rows: readonly Invoice[]): Table {
  const all = [...rows, order(365, { customer: 99 })].toSorted((a, b) => a.time - b.time);
  return tableFromRows(all as never, { columns: { time: "time" } });
}

function samplesAt(rows: readonly Invoice[], at: number = cutOff): Samples {
  const table = tableOf(rows);
  return pipeline.fit(table, { cutOffs: at }).apply(table, { cutOffs: at });
}

/** [weeks][features] of the first sample, before they are made to have mean 0 and deviation 1. */
function weeklyFeatures({ x, shape, lengths, preprocessing }: Samples): number[][] {
  const [, , size] = shape as readonly [number, number, number];
  const scalers = preprocessing.features.map(({ scalers }) => scalers?.find(({ kind }) => kind === "standard"));
  return Array.from({ length: lengths[0] ?? 0 }, (_, week) =>
    scalers.map((scaler, feature) => {
      const value = x?.[week * size + feature] ?? NaN;
      return scaler?.kind === "standard" ? value * scaler.size + scaler.centre : value;
    }),
  );
}

/** Large arrays are compared as bytes: a matcher that walks them takes seconds. */
function sameBits(expected: Float32Array | undefined): (actual: Float32Array | undefined) => boolean {
  return (actual) => actual !== undefined && expected !== undefined && Buffer.from(actual.buffer).equals(Buffer.from(expected.buffer));
}

/** The rows of a table for which this holds. */
function rowsWhere(table: Table, holds: (row: number) => boolean): Table {
  return selectRows(table, Array.from({ length: table.rows }, (_, row) => row).filter(holds));
}

describe("the file", () => {
  test("holds the invoices of UCI Online Retail that have a customer", () => {
    const lines = numbers(invoices, "lines").reduce((a, b) => a + b, 0);
    expect(lines).toBe(541_909 - 135_080); // the source's lines less those without a customer
    expect(invoices.rows).toBe(22_190);
    expect(new Set(numbers(invoices, "customer")).size).toBe(4_372);
  });

  test("reads what make-data writes, and names the line that is no invoice", async () => {
    const rows = [order(0, { value: 12.5 }), order(1, { items: -3, value: -9.99, cancelled: 1 })];
    const csv = formatInvoices(rows);
    const read = (text: string) => readInvoices(new TextEncoder().encode(text));
    const table = await read(csv);
    for (const name of ["customer", "time", "lines", "items", "value", "cancelled"] as const)
      expect([...numbers(table, name)]).toEqual(rows.map((row) => row[name]));
    await expect(read(`${csv}17850,yesterday,1,1,1,0\n`)).rejects.toThrow("line 4");
    await expect(read(`${csv}17850,2011-01-01T00:00,1\n`)).rejects.toThrow("line 4");
    await expect(read("a,b\n1,2\n")).rejects.toThrow("customer");
  });

  test("adds up lines: the customer's only, by invoice, at the time of the first, in the order of time", () => {
    const line = (
      InvoiceNo: string,
      minute: number,
      Quantity: number,
      UnitPrice: number,
      CustomerID: number | null,
    ): OrderLine => ({
      InvoiceNo,
      Quantity,
      UnitPrice,
      CustomerID,
      InvoiceDate: new Date(Date.UTC(2011, 0, 1, 9, minute)),
    });
    const lines = [
      line("C7", 30, -2, 3, 5),
      line("6", 11, 4, 0.5, 5),
      line("6", 10, 1, 2, 5),
      line("8", 0, 9, 9, null),
    ];
    expect(collectInvoices(lines)).toEqual([
      { customer: 5, time: Date.UTC(2011, 0, 1, 9, 10), lines: 2, items: 5, value: 4, cancelled: 0 },
      { customer: 5, time: Date.UTC(2011, 0, 1, 9, 30), lines: 1, items: -2, value: -6, cancelled: 1 },
    ]);
  });
});

describe("weekly features", () => {
  test("agree with a history worked out by hand", () => {
    const history = [
      order(-30, { cancelled: 1, value: -7 }), // before the first order: left out
      order(-21), // exactly three weeks before: the first moment of the third week back
      order(-20, { items: 5, value: 25, lines: 1 }), // the same week
      order(-3, { items: -1, value: -20, lines: 1, cancelled: 1 }), // the last week
      order(0), // the moment of the cut-off belongs to the label
    ];
    const samples = samplesAt(history);
    expect(samples.groups).toEqual([1]);
    expect(samples.targets).toEqual(["returning"]);
    expect(samples.features).toEqual([
      "orders",
      "items ordered",
      "value ordered",
      "lines ordered",
      "cancellations",
      "value cancelled",
      "weeks since the last order",
      "orders so far",
    ]);
    const ln = Math.log1p;
    const expected = [
      [2, ln(15), ln(75), ln(3), 0, 0, 0, ln(2)],
      [0, 0, 0, 0, 0, 0, 1, ln(2)],
      [0, 0, 0, 0, 1, -ln(20), 2, ln(2)],
    ];
    expect(weeklyFeatures(samples)).toEqual(expected.map((week) => week.map((value) => expect.closeTo(value, 6) as number)));
    const { x, shape } = recencyFrequencyValue(tableOf(history), samples);
    expect(shape).toEqual([1, 1, 3]);
    expect(x).toEqual(Float32Array.of(20 / 7, ln(2), ln(75)));
  });

  test("of customers with histories of different lengths are padded behind", () => {
    const { x, shape, lengths, targets, groups } = samplesAt([order(-1), order(-13, { customer: 2 })]);
    expect({ shape, lengths: [...lengths], targets, groups }).toEqual({
      shape: [2, 2, 8],
      lengths: [2, 1],
      targets: ["lapsed", "lapsed"],
      groups: [2, 1],
    });
    expect(x?.[0]).not.toBe(0);
    expect(x?.subarray(3 * 8).every((value) => value === 0)).toBe(true);
  });

  test("labels look at orders from the cut-off until the horizon, and at nothing else", () => {
    const labelWith = (...later: Invoice[]) => labelsOf(samplesAt([order(-1), ...later]))[0];
    expect(labelWith()).toBe("lapsed");
    expect(labelWith(order(0))).toBe("returning");
    expect(labelWith(order(7 * 12 - 1 / 1440))).toBe("returning");
    expect(labelWith(order(7 * 12))).toBe("lapsed");
    expect(labelWith(order(5, { cancelled: 1 }))).toBe("lapsed");
    expect(labelWith(order(5, { customer: 2 }))).toBe("lapsed");
  });

  test("need an order before the cut-off, not a cancellation", () => {
    expect(() => samplesAt([order(-9, { cancelled: 1 }), order(3)])).toThrow("no group has a row before 2011-09-16");
  });
});

describe("nothing leaks", () => {
  test("every label of training and validation is known by the test cut-off", () => {
    for (const date of TRAINING_CUT_OFFS)
      expect(Date.parse(date) + 12 * WEEK).toBeLessThanOrEqual(Date.parse("2011-09-16"));
    for (const until of [...split.training.until, ...split.validation.until]) {
      expect(until).toBeLessThanOrEqual(Date.parse(TEST_CUT_OFF));
    }
    expect(new Set(split.test.times)).toEqual(new Set([Date.parse("2011-09-16")]));
    expect(new Set(split.test.until)).toEqual(new Set([Date.parse("2011-09-16") + HORIZON * WEEK]));
  });

  test("the data hold the whole of the test's 12 weeks", () => {
    const last = numbers(invoices, "time").reduce((a, b) => Math.max(a, b), 0);
    expect(cutOff + HORIZON * WEEK).toBeLessThanOrEqual(last);
  });

  test("training and validation do not change with anything from the test cut-off on", () => {
    const times = numbers(invoices, "time");
    // One invoice stays, the last: the table must reach until where the test's labels look.
    const known = splitSamples(rowsWhere(invoices, (row) => (times[row] as number) < cutOff || row === invoices.rows - 1));
    for (const part of ["training", "validation"] as const) {
      expect(known[part].x).toSatisfy(sameBits(split[part].x));
      expect(known[part].targets).toEqual(split[part].targets);
      expect(known[part].groups).toEqual(split[part].groups);
    }
    expect(known.training.preprocessing).toEqual(split.training.preprocessing);
    expect(known.test.x).toSatisfy(sameBits(split.test.x));
  });

  test.each([...TRAINING_CUT_OFFS, TEST_CUT_OFF])("features at %s do not change with later orders", (date) => {
    const at = Date.parse(date);
    const times = numbers(invoices, "time");
    const later = (name: keyof Invoice, change: (value: number) => number) => ({
      kind: "number" as const,
      values: numbers(invoices, name).map((value, row) => ((times[row] as number) < at ? value : change(value))),
    });
    const columns = {
      ...invoices.columns,
      items: later("items", () => 1e6),
      value: later("value", () => 1e6),
      lines: later("lines", () => 1e3),
      cancelled: later("cancelled", (cancelled) => 1 - cancelled),
    };
    const changed = { ...invoices, columns };
    const samplesOf = (table: Table) => pipeline.fit(table, { cutOffs: at }).apply(table, { cutOffs: at });
    const [before, after] = [samplesOf(invoices), samplesOf(changed)];
    expect(after.x).toSatisfy(sameBits(before.x));
    expect(recencyFrequencyValue(changed, after).x).toEqual(recencyFrequencyValue(invoices, before).x);
    expect(after.targets).not.toEqual(before.targets);
  });

  test("no customer is in both training and validation", () => {
    const training = new Set(split.training.groups);
    expect(split.validation.groups.filter((customer) => training.has(customer))).toEqual([]);
  });

  test("the parts have the sizes that the dates give", () => {
    // 3,440 customers, 55.8 % of whom return: counted independently from the order lines.
    const labels = labelsOf(split.test);
    const returning = labels.filter((label) => label === "returning").length;
    expect([labels.length, (100 * returning) / labels.length]).toEqual([3440, expect.closeTo(55.8, 1)]);
    expect(split.training.groups.length + split.validation.groups.length).toBe(2134 + 2434 + 2718 + 2927);
  });
});
