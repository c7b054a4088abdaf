// From invoices to what a model reads: a customer's weeks up to a cut-off, and whether an order follows.
// Everything before the cut-off is feature, everything after it is label; nothing else in this example draws that
// line. Knows nothing of the model.

import type { Invoice } from "./invoices.js";

export const WEEK = 7 * 24 * 60 * 60 * 1000;

/** The question: does the customer order within this time after the cut-off? */
export const HORIZON = 12 * WEEK;

export const CLASSES = ["lapsed", "returning"] as const;
export type Label = (typeof CLASSES)[number];

/** What the model sees of one week. Pieces, pounds and lines are heavy-tailed, hence the logarithms: ln(1 + v). */
export const FEATURES = [
  "orders",
  "log items ordered",
  "log value ordered",
  "log lines ordered",
  "cancellations",
  "log value cancelled",
  "weeks since the last order",
  "log orders so far",
] as const;

/** One customer, seen from one date. */
export interface Sample {
  readonly customer: number;
  /** Milliseconds since 1970. */
  readonly cutOff: number;
  /** The customer's invoices before the cut-off, oldest first; at least one is an order. */
  readonly past: readonly Invoice[];
  readonly label: Label;
}

/** Samples as a model takes them: `x[n, t, f]`, padded with zeros behind each customer's `lengths[n]` weeks. */
export interface Sequences {
  readonly x: Float32Array;
  readonly shape: [samples: number, weeks: number, features: number];
  readonly lengths: Uint32Array;
  readonly targets: Label[];
}

/** One sample for each customer with an order before the cut-off. */
export function samplesAt(invoices: readonly Invoice[], cutOff: number): Sample[] {
  const samples: Sample[] = [];
  for (const [customer, history] of byCustomer(invoices)) {
    const past = history.filter((invoice) => invoice.time < cutOff);
    if (!past.some(isOrder)) continue;
    const future = history.filter((invoice) => invoice.time >= cutOff && invoice.time < cutOff + HORIZON);
    samples.push({ customer, cutOff, past, label: future.some(isOrder) ? "returning" : "lapsed" });
  }
  return samples;
}

/**
 * The weeks of a sample, oldest first, one row of {@link FEATURES} each. Weeks are counted back from the cut-off, so
 * that the last is always a whole one; the first is the week of the customer's first order.
 */
export function weeklyFeatures({ past, cutOff }: Sample): number[][] {
  const weeksAgo = (invoice: Invoice) => Math.ceil((cutOff - invoice.time) / WEEK) - 1;
  const first = past.find(isOrder);
  if (first === undefined) return [];

  const weeks: Invoice[][] = Array.from({ length: weeksAgo(first) + 1 }, () => []);
  // A cancellation before the first order belongs to an order from before the data begins: it falls outside.
  for (const invoice of past) weeks[weeks.length - 1 - weeksAgo(invoice)]?.push(invoice);

  let weeksSinceOrder = 0;
  let ordersSoFar = 0;
  return weeks.map((week) => {
    const orders = week.filter(isOrder);
    const cancellations = week.filter((invoice) => invoice.cancelled);
    weeksSinceOrder = orders.length > 0 ? 0 : weeksSinceOrder + 1;
    ordersSoFar += orders.length;
    return [
      orders.length,
      logOf(sum(orders, "items")),
      logOf(sum(orders, "value")),
      logOf(sum(orders, "lines")),
      cancellations.length,
      logOf(-sum(cancellations, "value")),
      weeksSinceOrder,
      logOf(ordersSoFar),
    ];
  });
}

export function toSequences(samples: readonly Sample[]): Sequences {
  const histories = samples.map(weeklyFeatures);
  const lengths = Uint32Array.from(histories, (weeks) => weeks.length);
  const longest = lengths.reduce((a, b) => Math.max(a, b), 0);
  const x = new Float32Array(samples.length * longest * FEATURES.length);
  histories.forEach((weeks, n) => x.set(weeks.flat(), n * longest * FEATURES.length));
  return { x, shape: [samples.length, longest, FEATURES.length], lengths, targets: samples.map(({ label }) => label) };
}

export function isOrder(invoice: Invoice): boolean {
  return !invoice.cancelled;
}

function byCustomer(invoices: readonly Invoice[]): Map<number, Invoice[]> {
  const histories = new Map<number, Invoice[]>();
  for (const invoice of invoices.toSorted((a, b) => a.time - b.time)) {
    const history = histories.get(invoice.customer);
    if (history) history.push(invoice);
    else histories.set(invoice.customer, [invoice]);
  }
  return histories;
}

function sum(invoices: readonly Invoice[], what: "items" | "value" | "lines"): number {
  return invoices.reduce((total, invoice) => total + invoice[what], 0);
}

/** ln(1 + v); a few orders of gifts and corrections come out at zero or below and count as zero. */
function logOf(value: number): number {
  return Math.log1p(Math.max(0, value));
}
