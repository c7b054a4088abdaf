// The demo's words and tables. Computes nothing that it prints.

import type { RowPrediction } from "gatewise";
import type { Table } from "gatewise/data";
import type { Comparison, Scores } from "./comparison.js";
import { numbers, type Invoice } from "./invoices.js";
import { CLASSES, HORIZON, labelsOf, WEEK, type Label, type Samples } from "./sequences.js";
import { TEST_CUT_OFF, TRAINING_CUT_OFFS, type Split } from "./split.js";

/** An epoch as the history has it. */
interface EpochRow {
  readonly epoch: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly validation: { readonly loss: number; readonly accuracy: number } | null;
}

export function describeData(invoices: Table, split: Split): string {
  const customers = new Set(numbers(invoices, "customer")).size;
  const times = numbers(invoices, "time").toSorted();
  const { features } = split.training;
  const part = (name: string, samples: Samples) => {
    const labels = labelsOf(samples);
    return [name, count(labels.length), percent(labels.filter((label) => label === "returning").length / labels.length)];
  };
  return [
    `${count(invoices.rows)} invoices of ${count(customers)} customers, ${isoDate(times[0])} to ${isoDate(times.at(-1))}.`,
    `The question: will a customer order in the ${HORIZON} weeks after a cut-off date?`,
    `Read for it: the weeks from the first order to the cut-off, ${features.length} numbers each:`,
    `  ${features.slice(0, 4).join(", ")},`,
    `  ${features.slice(4).join(", ")}.`,
    "",
    table([
      ["cut-off dates", "samples", "returning"],
      part(`training, ${TRAINING_CUT_OFFS.join(", ")}`, split.training),
      part("validation, the same dates for other customers", split.validation),
      part(`test, ${TEST_CUT_OFF}`, split.test),
    ]),
  ].join("\n");
}

export function epochTable(epochs: readonly EpochRow[]): string {
  const rows = epochs.map(({ epoch, loss, accuracy, validation }) => [
    String(epoch),
    loss.toFixed(4),
    percent(accuracy),
    validation?.loss.toFixed(4) ?? "",
    validation ? percent(validation.accuracy) : "",
  ]);
  return table([["epoch", "training loss", "accuracy", "validation loss", "accuracy"], ...rows]);
}

export function scoreReport({ majority, logistic, lstm, difference }: Comparison): string {
  const row = (name: string, { accuracy, balancedAccuracy, auc, f1 }: Scores) => [
    name,
    percent(accuracy),
    percent(balancedAccuracy),
    auc.toFixed(3),
    f1.toFixed(3),
  ];
  const confusion = lstm.confusion.map((counts, actual) => [`in truth ${CLASSES[actual]}`, ...counts.map(count)]);
  return [
    table([
      ["on the test samples", "accuracy", "balanced accuracy", "AUC", "F1 (returning)"],
      row("majority class of the test", majority),
      row("logistic regression on recency, frequency, value", logistic),
      row("LSTM", lstm),
    ]),
    "",
    table([["predicted by the LSTM", ...CLASSES], ...confusion]),
    "",
    verdict(difference),
  ].join("\n");
}

/** Which of the two ranks the test customers better, as far as so many of them can tell. */
export function verdict({ difference, standardError }: Comparison["difference"]): string {
  const by = `by AUC, the LSTM less the logistic regression is ${signed(difference)} ± ${(2 * standardError).toFixed(3)}`;
  if (Math.abs(difference) < 2 * standardError) return `A tie: ${by} (two standard errors).`;
  return `The ${difference > 0 ? "LSTM" : "logistic regression"} ranks better: ${by} (two standard errors).`;
}

/** One customer in words: what was seen, what the model says, what came of it. */
export function describePrediction(
  { group, time: cutOff, prediction }: RowPrediction<Label>,
  orders: readonly Pick<Invoice, "time">[],
): string {
  const past = orders.filter(({ time }) => time < cutOff);
  const weeks = (cutOff - (past.at(-1)?.time ?? cutOff)) / WEEK;
  const returned = orders.some(({ time }) => time >= cutOff && time < cutOff + HORIZON * WEEK);
  const seen = `${past.length} orders, the last ${weeks.toFixed(1)} weeks before ${isoDate(cutOff)}`;
  const probability = percent(prediction.probabilities[prediction.label]);
  return `customer ${group} (${seen}) is ${prediction.label} with ${probability}; in truth ${CLASSES[Number(returned)]}.`;
}

/** Columns as wide as their widest cell: the first aligned left, the others right. The first row is the heading. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("   "),
  );
  const rule = widths.map((width) => "─".repeat(width)).join("   ");
  return lines
    .toSpliced(1, 0, rule)
    .map((line) => `  ${line}`)
    .join("\n");
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
}

function count(value: number): string {
  return value.toLocaleString("en");
}

function isoDate(time = NaN): string {
  return new Date(time).toISOString().slice(0, "2010-12-01".length);
}
