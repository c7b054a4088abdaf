// From invoices to what a model reads: a customer's weeks up to a cut-off, and whether an order follows.
// Everything before the cut-off is feature, everything after it is label: the library draws that line. Knows nothing of the model.

import { definePipeline } from "gatewise/data";

export const WEEK = 7 * 24 * 60 * 60 * 1000;

/** The question: does the customer order within so many weeks after the cut-off? */
export const HORIZON = 12;

export const CLASSES = ["lapsed", "returning"] as const;
export type Label = (typeof CLASSES)[number];

export function labelsOf({ targets }: Pick<Samples, "targets">): readonly Label[] {
  return targets as readonly Label[];
}

const ORDER = { cancelled: 0 };
const CANCELLATION = { cancelled: 1 };
/** Pieces, pounds and lines are heavy-tailed, hence the logarithms: ln(1 + v). */
const HEAVY_TAILED = ["log", "standard"] as const;

/**
 * The weeks of a customer, counted back from the cut-off, so that the last is always a whole one. The first is that of the first
 * order: a cancellation before it belongs to an order from before the data begin.
 */
export const pipeline = definePipeline({
  group: "customer",
  time: "time",
  steps: { every: "week", begin: ORDER },
  aggregate: {
    orders: { count: true, where: ORDER },
    "items ordered": { sum: "items", where: ORDER },
    "value ordered": { sum: "value", where: ORDER },
    "lines ordered": { sum: "lines", where: ORDER },
    cancellations: { count: true, where: CANCELLATION },
    "value cancelled": { sum: "value", where: CANCELLATION },
  },
  features: [
    { column: "orders", scale: "standard" },
    { column: "items ordered", scale: HEAVY_TAILED },
    { column: "value ordered", scale: HEAVY_TAILED },
    { column: "lines ordered", scale: HEAVY_TAILED },
    { column: "cancellations", scale: "standard" },
    { column: "value cancelled", scale: HEAVY_TAILED },
    { stepsSince: "orders", name: "weeks since the last order", scale: "standard" },
    { total: "orders", name: "orders so far", scale: HEAVY_TAILED },
  ],
  target: { event: ORDER, within: HORIZON, classes: CLASSES },
});

/** Samples as a model takes them, each with its customer (`groups`) and its cut-off (`times`). */
export type Samples = ReturnType<ReturnType<typeof pipeline.fit>["apply"]>;
