// The trials of a tuning as a table in plain text.

import type { JsonValue } from "./space.js";
import type { Trial, TuningRecord } from "./types.js";

/** A trial a line, the best first. Columns that are the same for all stay: a reader looks for what was tuned. */
export function tableOf({ trials, objective, space }: TuningRecord): string {
  const names = Object.keys(space);
  const head = ["trial", "epochs", objective, ...names, "trained", "seconds"];
  const rows = trials.map((trial) => [
    String(trial.number),
    String(trial.rungs.at(-1)?.epochs ?? "–"),
    trial.value === undefined ? "failed" : significant(trial.value),
    ...names.map((name) => shown(trial.parameters[name])),
    String(trial.trained ?? "–"),
    secondsOf(trial),
  ]);
  const widths = head.map((name, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? name).length)));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join("  ");
  const reasons = trials.map(({ failure }) => (failure ? `  ${failure.code}: ${failure.message}` : ""));
  return [line(head), ...rows.map((row, index) => line(row) + (reasons[index] ?? ""))].join("\n");
}

function secondsOf({ rungs }: Trial): string {
  return rungs.reduce((sum, { seconds }) => sum + seconds, 0).toFixed(1);
}

/** A parameter's value: numbers in four figures, names as they are, parts of definitions as JSON. */
export function shown(value: JsonValue | undefined): string {
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : significant(value);
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "–");
}

function significant(value: number): string {
  return String(Number(value.toPrecision(4)));
}
