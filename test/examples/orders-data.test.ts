// The orders example before any model: reading, weekly features, labels, and that no feature knows the future.

import { describe, expect, test } from "vitest";
import { recencyFrequencyValue } from "../../examples/orders/baselines.js";
import { collectInvoices, type OrderLine } from "../../examples/orders/data/make-data.js";
import { formatInvoices, parseInvoices, readInvoices, type Invoice } from "../../examples/orders/invoices.js";
import {
  FEATURES,
  HORIZON,
  samplesAt,
  toSequences,
  WEEK,
  weeklyFeatures,
  type Sample,
} from "../../examples/orders/sequences.js";
import { splitSamples, TEST_CUT_OFF, TRAINING_CUT_OFFS } from "../../examples/orders/split.js";

const invoices = readInvoices(new URL("../../examples/orders/data/invoices.csv.gz", import.meta.url));
const split = splitSamples(invoices);
const cutOff = Date.parse(TEST_CUT_OFF);
const DAY = 24 * 60 * 60 * 1000;

function order(days: number, changes: Partial<Invoice> = {}): Invoice {
  return { customer: 1, time: cutOff + days * DAY, lines: 2, items: 10, value: 50, cancelled: false, ...changes };
}

/** Large arrays are compared as bytes: a matcher that walks them takes seconds. */
function sameBits(expected: Float32Array): (actual: Float32Array) => boolean {
  return (actual) => Buffer.from(actual.buffer).equals(Buffer.from(expected.buffer));
}

describe("the file", () => {
  test("holds the invoices of UCI Online Retail that have a customer", () => {
    const lines = invoices.reduce((total, invoice) => total + invoice.lines, 0);
    expect(lines).toBe(541_909 - 135_080); // the source's lines less those without a customer
    expect(invoices).toHaveLength(22_190);
    expect(new Set(invoices.map(({ customer }) => customer)).size).toBe(4_372);
  });

  test("reads what it writes, and names the line that is no invoice", () => {
    const rows = [order(0, { value: 12.5 }), order(1, { items: -3, value: -9.99, cancelled: true })];
    const csv = formatInvoices(rows);
    expect(parseInvoices(csv)).toEqual(rows);
    expect(() => parseInvoices(`${csv}17850,yesterday,1,1,1,0\n`)).toThrow("line 4");
    expect(() => parseInvoices(`${csv}17850,2011-01-01T00:00,1,,1,0\n`)).toThrow("line 4");
    expect(() => parseInvoices("a,b\n")).toThrow("line 1");
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
      { customer: 5, time: Date.UTC(2011, 0, 1, 9, 10), lines: 2, items: 5, value: 4, cancelled: false },
      { customer: 5, time: Date.UTC(2011, 0, 1, 9, 30), lines: 1, items: -2, value: -6, cancelled: true },
    ]);
  });
});

describe("weekly features", () => {
  test("agree with a history worked out by hand", () => {
    const history = [
      order(-30, { cancelled: true, value: -7 }), // before the first order: left out
      order(-21), // exactly three weeks before: the first moment of the third week back
      order(-20, { items: 5, value: 25, lines: 1 }), // the same week
      order(-3, { items: -1, value: -20, lines: 1, cancelled: true }), // the last week
      order(0), // the moment of the cut-off belongs to the label
    ];
    const [sample, ...others] = samplesAt(history, cutOff);
    expect(others).toEqual([]);
    expect(sample?.label).toBe("returning");
    const ln = Math.log1p;
    expect(weeklyFeatures(sample as Sample)).toEqual([
      // orders, items, value, lines, cancellations, value cancelled, weeks since the last order, orders so far
      [2, ln(15), ln(75), ln(3), 0, 0, 0, ln(2)],
      [0, 0, 0, 0, 0, 0, 1, ln(2)],
      [0, 0, 0, 0, 1, ln(20), 2, ln(2)],
    ]);
    expect(recencyFrequencyValue(sample as Sample)).toEqual([20 / 7, ln(2), ln(75)]);
  });

  test("of customers with histories of different lengths are padded behind", () => {
    const samples = samplesAt([order(-1), order(-13, { customer: 2 })], cutOff);
    const { x, shape, lengths, targets } = toSequences(samples);
    expect(samples.map(({ customer }) => customer)).toEqual([2, 1]);
    expect({ shape, lengths: [...lengths], targets }).toEqual({
      shape: [2, 2, FEATURES.length],
      lengths: [2, 1],
      targets: ["lapsed", "lapsed"],
    });
    const orders = Array.from({ length: 4 }, (_, step) => x[step * FEATURES.length]);
    expect(orders).toEqual([1, 0, 1, 0]);
    expect(x.subarray(3 * FEATURES.length).every((value) => value === 0)).toBe(true);
  });

  test("labels look at orders from the cut-off until the horizon, and at nothing else", () => {
    const labelWith = (...later: Invoice[]) => samplesAt([order(-1), ...later], cutOff)[0]?.label;
    expect(labelWith()).toBe("lapsed");
    expect(labelWith(order(0))).toBe("returning");
    expect(labelWith(order(7 * 12 - 1 / 1440))).toBe("returning");
    expect(labelWith(order(7 * 12))).toBe("lapsed");
    expect(labelWith(order(5, { cancelled: true }))).toBe("lapsed");
    expect(labelWith(order(5, { customer: 2 }))).toBe("lapsed");
  });

  test("need an order before the cut-off, not a cancellation", () => {
    expect(samplesAt([order(-9, { cancelled: true }), order(3)], cutOff)).toEqual([]);
  });
});

describe("nothing leaks", () => {
  test("every label of training and validation is known by the test cut-off", () => {
    for (const date of TRAINING_CUT_OFFS)
      expect(Date.parse(date) + 12 * WEEK).toBeLessThanOrEqual(Date.parse("2011-09-16"));
    for (const sample of [...split.training, ...split.validation]) {
      expect(sample.cutOff + HORIZON).toBeLessThanOrEqual(Date.parse(TEST_CUT_OFF));
    }
    expect(new Set(split.test.map((sample) => sample.cutOff))).toEqual(new Set([Date.parse("2011-09-16")]));
  });

  test("the data hold the whole of the test's 12 weeks", () => {
    const last = Math.max(...invoices.map(({ time }) => time));
    expect(cutOff + HORIZON).toBeLessThanOrEqual(last);
  });

  test("training and validation do not change with anything from the test cut-off on", () => {
    const known = splitSamples(invoices.filter(({ time }) => time < cutOff));
    expect(known.training).toEqual(split.training);
    expect(known.validation).toEqual(split.validation);
    expect(toSequences(known.test).x).toSatisfy(sameBits(toSequences(split.test).x));
  });

  test.each([...TRAINING_CUT_OFFS, TEST_CUT_OFF])("features at %s do not change with later orders", (date) => {
    const at = Date.parse(date);
    const changed = invoices.map((invoice) =>
      invoice.time < at ? invoice : { ...invoice, items: 1e6, value: 1e6, lines: 1e3, cancelled: !invoice.cancelled },
    );
    const [before, after] = [samplesAt(invoices, at), samplesAt(changed, at)];
    expect(toSequences(after).x).toSatisfy(sameBits(toSequences(before).x));
    expect(after.map(recencyFrequencyValue)).toEqual(before.map(recencyFrequencyValue));
    expect(after.map(({ label }) => label)).not.toEqual(before.map(({ label }) => label));
  });

  test("no customer is in both training and validation", () => {
    const training = new Set(split.training.map(({ customer }) => customer));
    expect(split.validation.filter(({ customer }) => training.has(customer))).toEqual([]);
  });

  test("the parts have the sizes that the dates give", () => {
    // 3,440 customers, 55.8 % of whom return: counted independently from the order lines.
    const returning = split.test.filter(({ label }) => label === "returning").length;
    expect([split.test.length, (100 * returning) / split.test.length]).toEqual([3440, expect.closeTo(55.8, 1)]);
    expect(split.training.length + split.validation.length).toBe(2134 + 2434 + 2718 + 2927);
  });
});
